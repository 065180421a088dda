"""The ledger as a whole: transactions, the schema, and the engine's place at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from sqlalchemy import Connection

from jobengine.store import schema
from jobengine.store.bulk import Link
from jobengine.store.databases import BUSY_SECONDS, WRITING, is_in_memory, open_database, sqlite_path
from jobengine.store.failures import mapped_failures
from jobengine.store.ledger import SqlLedger
from jobengine.store.locking import WritersQueue, engine_lock


class SqlStore:
    """``Store`` on SQLite or PostgreSQL; may be used from several threads.

    URLs are ``sqlite:///path``, ``sqlite://`` (in memory, one transaction at a time) and ``postgresql://…``.
    """

    def __init__(self, url: str) -> None:
        self._database = open_database(url)
        self._is_postgresql = self._database.dialect.name == "postgresql"
        self._is_in_memory = is_in_memory(self._database)
        path = sqlite_path(self._database)
        self._writers = None if path is None else WritersQueue(path, BUSY_SECONDS)
        # SQLite has one writer at a time, and in memory one user.
        self._turn: AbstractContextManager[object] = self._writers or (
            threading.RLock() if self._is_in_memory else nullcontext()
        )

    @contextmanager
    def begin(self) -> Iterator[SqlLedger]:
        """A write transaction. On SQLite it has the database to itself until it ends."""
        with self._transaction(is_writing=True) as connection:
            ledger = SqlLedger(Link(connection))
            yield ledger
            ledger.flush()

    @contextmanager
    def read(self) -> Iterator[SqlLedger]:
        """A reading transaction: one consistent view."""
        with self._transaction(is_writing=False) as connection:
            yield SqlLedger(Link(connection))

    def migrate(self) -> None:
        """Bring the schema to the newest revision; processes that start together do it one after the other.

        Where nothing is missing it only reads, and waits for no writer. The folder of a SQLite file is made.
        """
        path = sqlite_path(self._database)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction(is_writing=False) as connection:
            if schema.is_complete(connection):
                return
        with self._transaction(is_writing=True) as connection:
            schema.upgrade(connection)

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless the database answers and has every revision of this program."""
        with self._transaction(is_writing=False) as connection:
            schema.require_newest(connection)

    def claim_engine(self) -> AbstractContextManager[None]:
        """Hold the place of an engine; raises EngineError(CONFLICT) where there is one place and it is taken.

        A SQLite file takes one engine, PostgreSQL any number.
        """
        path = sqlite_path(self._database)
        return nullcontext() if path is None else engine_lock(path)

    def close(self) -> None:
        """Let go of all connections."""
        self._database.dispose()
        if self._writers is not None:
            self._writers.close()

    @contextmanager
    def _transaction(self, *, is_writing: bool) -> Iterator[Connection]:
        with ExitStack() as stack:
            stack.enter_context(mapped_failures())
            if is_writing or self._is_in_memory:
                stack.enter_context(self._turn)
            connection = stack.enter_context(self._database.connect())
            connection.execution_options(**self._options(is_writing))
            stack.enter_context(connection.begin())
            yield connection

    def _options(self, is_writing: bool) -> dict[str, object]:
        if not self._is_postgresql:
            return {WRITING: is_writing}
        # Writes are guarded row by row, and a guard must see what others have just committed.
        level = "READ COMMITTED" if is_writing else "REPEATABLE READ"
        return {"isolation_level": level, "postgresql_readonly": not is_writing}
