"""Places at a SQLite file, kept by locks that the operating system takes back when a process dies.

There is one place for an engine, and one for whoever writes. SQLite has a lock of its own for the second, but lets who
must wait for it sleep, longer each time, and whoever happens to be awake goes first: a process that writes without a
break keeps another one waiting for seconds.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobengine.domain.errors import conflict
from jobengine.store.failures import unavailable

_PAUSE_SECONDS = 0.001

_POLITE_SECONDS = 0.25
"""How long one queues for the place of the next: a process that was stopped there must not hold up the others."""


@contextmanager
def engine_lock(database: Path) -> Iterator[None]:
    """Hold the engine's place at a database file; raises EngineError(CONFLICT) when another process has it."""
    descriptor = _open(database, "engine")
    try:
        if not _try_lock(descriptor):
            raise conflict("Another engine works on this ledger; SQLite takes one, PostgreSQL takes many.")
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of the same name.
        os.close(descriptor)


class WritersQueue:
    """A context that lets one writer after the other at a database file, of all threads and processes.

    Who waits for the writer's place holds the place of the next; so who has just written, and wants to again, comes
    after. Raises EngineError(UNAVAILABLE) when somebody has been writing for so long that it must hang.
    """

    def __init__(self, database: Path, patience_seconds: float) -> None:
        self._database = database
        self._patience_seconds = patience_seconds
        self._threads = threading.RLock()
        self._process_id = 0
        self._next = self._writer = -1

    def __enter__(self) -> None:
        until = time.monotonic() + self._patience_seconds
        if not self._threads.acquire(timeout=self._patience_seconds):
            raise unavailable("The ledger is busy: this process has been writing to it for too long.")
        try:
            self._open()
            self._take_place(until)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *error: object) -> None:
        fcntl.flock(self._writer, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Close the files; they are opened again when the queue is used again."""
        with self._threads:
            if self._process_id == os.getpid():
                os.close(self._next)
                os.close(self._writer)
            self._process_id = 0

    def _take_place(self, until: float) -> None:
        is_next = _lock(self._next, min(until, time.monotonic() + _POLITE_SECONDS))
        try:
            if not _lock(self._writer, until):
                raise unavailable("The ledger is busy: another process has been writing to it for too long.")
        finally:
            if is_next:
                fcntl.flock(self._next, fcntl.LOCK_UN)

    def _open(self) -> None:
        # A lock belongs to who opened the file: a child that inherited it would share its parent's place.
        if self._process_id != os.getpid():
            self._next, self._writer = _open(self._database, "next"), _open(self._database, "writer")
            self._process_id = os.getpid()


def _open(database: Path, place: str) -> int:
    return os.open(database.with_name(f"{database.name}.{place}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _lock(descriptor: int, until: float) -> bool:
    """Lock it as soon as it is free; False when it was not by then."""
    while not (is_ours := _try_lock(descriptor)) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
    return is_ours
