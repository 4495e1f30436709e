"""How many threads the numerics get: to be said before NumPy or JAX is imported."""

from __future__ import annotations

import os

THREADS_PER_CORE = 4


def limit_threads() -> None:
    """Set what is not set yet, for this process and its children.

    OpenBLAS: one thread; more make small matrices up to 40 times slower.

    XLA's pool on the CPU: several threads a core. A batch of matrices is decomposed by a thread of
    the pool that hands parts to the same pool and waits for them; with as many independent batches
    at a time as threads, all wait for ever (two batched solves of 128 matrices hang on two cores,
    jaxlib 0.10). As many programs run at a time as there are cores; four threads for each are a
    reserve, not a proof.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PJRT_NPROC", str(max(8, THREADS_PER_CORE * (os.cpu_count() or 1))))
