"""Runs a command that cannot outlive its parent: ``python tied.py SIGNAL PARENT LOCK COMMAND...``.

Run by its path and free of imports of ours, so that it costs milliseconds. Rules:
1. While the command or any process that it forks lives, it holds a shared lock on LOCK. Whoever can lock that file
   exclusively knows that nothing of an earlier start is left, without guessing by process IDs.
2. When the parent dies, however it dies, the kernel sends SIGNAL to the command.
3. PARENT is the parent's process ID, or ``session`` where the parent leads the session. A parent that died before
   rule 2 was in force is noticed by it, and the command is not run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the command; returns never, or raises SystemExit."""
    signal_name, parent, lock, *command = arguments
    # Opened with a number that an exec keeps; supervisord closes only what it hands to its own children.
    descriptor = os.open(lock, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.Signals[signal_name])
    if os.getppid() != (os.getsid(0) if parent == "session" else int(parent)):
        sys.exit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606 - a command of ours, without a shell


if __name__ == "__main__":
    main(sys.argv[1:])
