"""How many threads the numerics get: to be said before NumPy or JAX is imported."""

from __future__ import annotations

import os

SPARE_THREADS = 6


def limit_threads() -> None:
    """Set what is not set yet, for this process and its children.

    OpenBLAS: one thread; more make small matrices up to 40 times slower.

    XLA's pool on the CPU: some more threads than cores. A batch of matrices is decomposed by a
    thread of the pool that hands parts to the same pool and waits for them; with as many
    independent batches in a program as threads, all wait for ever (two batched solves of 128
    matrices hang on two cores, jaxlib 0.10). Spare threads keep one free.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PJRT_NPROC", str(max(8, (os.cpu_count() or 1) + SPARE_THREADS)))
