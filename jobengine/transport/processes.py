"""The processes of a worker, as Linux sees them."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with(parent_id: int, parent_of_this: Callable[[], int] = os.getppid) -> None:
    """Have this process killed when its parent, whose ID was taken before the fork, dies.

    A parent that died before the request was made is found by comparing: 1 may be the ID of one that lives, in a
    container whose first process it is.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent_of_this() != parent_id:
        os.kill(os.getpid(), signal.SIGKILL)
