"""A copy of a SQLite ledger that is being written: SQLite's own online copy, one consistent moment of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from jobengine.store.failures import unavailable


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy the ledger to a new file; raises EngineError(UNAVAILABLE) where that cannot be done."""
    address = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as opened, closing(sqlite3.connect(target)) as copy:
            opened.backup(copy)
            # One file, without a log beside it: that is what people will move about.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise unavailable(f"The ledger cannot be copied: {error}.") from error
