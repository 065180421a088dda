"""One engine per SQLite file: a lock that the operating system takes back when the process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobengine.domain.errors import conflict


@contextmanager
def engine_lock(database: Path) -> Iterator[None]:
    """Hold the engine's place at a database file; raises EngineError(CONFLICT) when another process has it."""
    path = database.with_name(f"{database.name}.engine")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise conflict("Another engine works on this ledger; SQLite takes one, PostgreSQL takes many.") from None
    try:
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of the same name.
        os.close(descriptor)
