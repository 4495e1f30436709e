"""Child processes that do not outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent(sig: signal.Signals, niceness: int = 0) -> Callable[[], None]:
    """Make a ``preexec_fn``: the kernel sends ``sig`` to the child when its parent is gone.

    ``niceness``: by how much the child stands back behind its parent where both want to run.

    Linux watches the *thread* that starts the child: start children that are to stay from a thread
    that stays, best the main one. Elsewhere than on Linux there is no such thing, and a child
    outlives a parent that is killed with -9.
    """
    ask_kernel = _asking_kernel(sig)
    parent = os.getpid()

    def in_child() -> None:
        ask_kernel()
        os.nice(niceness)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)

    return in_child


def end_with_parent(sig: signal.Signals) -> None:
    """Let the kernel send ``sig`` to this process when its parent is gone."""
    _asking_kernel(sig)()


def _asking_kernel(sig: signal.Signals) -> Callable[[], None]:
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec little is safe
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(sig)) and None
