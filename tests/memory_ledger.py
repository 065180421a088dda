"""A ledger in memory that was migrated once in this process and is brought back by copying."""

from __future__ import annotations

import sqlite3
from functools import cache

from jobengine.store import SqlStore


class MemoryLedger:
    """A store, and copies of all that is in it; no transaction may be open while one is made or brought back."""

    def __init__(self) -> None:
        self.store = SqlStore("sqlite://")
        connection = self.store._database.connect().connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        self.raw = connection

    def copy(self) -> sqlite3.Connection:
        """All there is now."""
        taken = sqlite3.connect(":memory:", check_same_thread=False)
        self.raw.backup(taken)
        return taken

    def bring_back(self, copy: sqlite3.Connection) -> None:
        """Make it as it was when the copy was taken."""
        copy.backup(self.raw)


def migrated_ledger() -> MemoryLedger:
    """A new ledger with all tables and nothing in them."""
    ledger = MemoryLedger()
    ledger.bring_back(_template())
    return ledger


@cache
def _template() -> sqlite3.Connection:
    ledger = MemoryLedger()
    ledger.store.migrate()
    return ledger.copy()
