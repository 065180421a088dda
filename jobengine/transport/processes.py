"""The processes of a worker, as Linux sees them: a child, and what the step that it runs has started."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil

_PR_SET_PDEATHSIG = 1


def die_with(parent_id: int, parent_of_this: Callable[[], int] = os.getppid) -> None:
    """Have this process killed when its parent, whose ID was taken before the fork, dies.

    A parent that died before the request was made is found by comparing: 1 may be the ID of one that lives, in a
    container whose first process it is.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent_of_this() != parent_id:
        os.kill(os.getpid(), signal.SIGKILL)


def status_of(process_id: int) -> str | None:
    """What the process is doing; None when it is gone or only waits to be buried."""
    try:
        status = str(psutil.Process(process_id).status())
    except psutil.NoSuchProcess:
        return None
    return None if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else status


def own_memory_bytes() -> int:
    """The resident memory of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory_bytes(process_id: int, enough_bytes: int) -> int:
    """The memory of a process and all its descendants.

    Resident memory is summed, which counts pages that several of them share several times over; where that comes to
    more than ``enough_bytes``, they are looked at closely, and shared pages are split between those who share them.
    """
    family = _family(process_id)
    used = sum(_resident_bytes(process) for process in family)
    return used if used <= enough_bytes or len(family) == 1 else sum(map(_proportional_bytes, family))


def freeze_tree(process_id: int) -> None:
    """Let a process and all its descendants do nothing more."""
    # The parent first, again and again on the way down: what stands still starts no other.
    for process in _family(process_id):
        _send(process.pid, signal.SIGSTOP)


def kill_tree(process_id: int) -> None:
    """Kill a process, all its descendants, and those of its group whose parents have ended."""
    _send(process_id, signal.SIGSTOP)
    for process in reversed(_family(process_id)):
        _send(process.pid, signal.SIGKILL)
    kill_group(process_id)


def kill_group(process_id: int) -> None:
    """Kill what is left of the process group that the process led."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, signal.SIGKILL)


def _send(process_id: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process_id, number)


def _family(process_id: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(process_id)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return _resident_bytes(process)
    except psutil.Error:
        return 0
