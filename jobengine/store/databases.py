"""Connections to the two databases, with the settings that each needs and why."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from jobengine.domain.errors import invalid

WRITING = "jobengine_writing"
"""The execution option of a connection that is going to write."""

BUSY_SECONDS = 15.0
"""How long one waits for a lock of SQLite."""

# The page cache of a connection stays as small as SQLite makes it: all of it is thrown away whenever another process
# has written, the system has the pages anyway, and 64 MB for each connection and thread made the web server grow.
_SQLITE_PRAGMAS = (
    # Readers never wait for the writer, nor it for them.
    "PRAGMA journal_mode = WAL",
    # A job that was accepted survives a power cut: each commit is on the disk. Work is committed in bulk, so one
    # flush is shared by hundreds of rows.
    "PRAGMA synchronous = FULL",
    # The log is cut back to this after a large transaction was moved into the file.
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
    # Nobody but us writes to the file, and overwriting deleted rows with zeros doubles the cost of a move.
    "PRAGMA secure_delete = OFF",
)
_POSTGRESQL_OPTIONS = " ".join(
    (
        # Waiting for a lock of an engine that hangs ends with an error and another try.
        "-c lock_timeout=20000",
        # No statement of ours needs as long; one that a broken disk holds up ends, and is tried again.
        "-c statement_timeout=300000",
        # An engine that stopped in a transaction gives up its locks.
        "-c idle_in_transaction_session_timeout=30000",
        # IDs come in long lists; compiling such a query takes longer than running it.
        "-c jit=off",
    )
)
_POSTGRESQL_ARGUMENTS: dict[str, Any] = {
    "options": _POSTGRESQL_OPTIONS,
    "application_name": "jobengine",
    "connect_timeout": 5,
    # A server that lost its network is noticed in half a minute, not in two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # The same while something that was sent is on its way: keepalives rest then, and the kernel tries for a quarter
    # of an hour.
    "tcp_user_timeout": 20_000,
}


def open_database(url: str) -> Engine:
    """The engine of an URL: ``sqlite:///path``, ``sqlite://`` (in memory) or ``postgresql://…``.

    Raises EngineError(INVALID) for any other. Nothing is connected yet.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise invalid("The ledger's URL cannot be read.", "ledger_url") from None
    if parsed.drivername == "sqlite":
        return _open_sqlite(parsed)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise invalid("The ledger's URL begins with sqlite:// or postgresql://.", "ledger_url")


def sqlite_path(engine: Engine) -> Path | None:
    """The file of a SQLite database; None for one in memory and for PostgreSQL."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database == ":memory:":
        return None
    return Path(database)


def is_in_memory(engine: Engine) -> bool:
    """Whether the database lives in this process alone, on one connection."""
    return engine.dialect.name == "sqlite" and sqlite_path(engine) is None


def _open_sqlite(url: URL) -> Engine:
    # Transactions are begun by us: the driver would begin them late, and always as readers.
    arguments: dict[str, Any] = {"isolation_level": None, "timeout": BUSY_SECONDS, "check_same_thread": False}
    if url.database in (None, "", ":memory:"):
        engine = create_engine(url, connect_args=arguments, poolclass=StaticPool)
    else:
        engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=8,
            max_overflow=24,
            pool_timeout=BUSY_SECONDS,
            # The last one that was used: the others hold nothing, and it has what it needs.
            pool_use_lifo=True,
        )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        from jobengine.store.postgresql import WaryConnection
    except ImportError:
        raise invalid("To keep the ledger in PostgreSQL, install jobengine[postgresql].", "ledger_url") from None

    def connect(dialect: object, record: object, words: tuple[Any, ...], named: dict[str, Any]) -> WaryConnection:
        return WaryConnection.connect(*words, **named)

    engine = create_engine(
        url,
        connect_args=_POSTGRESQL_ARGUMENTS,
        pool_size=8,
        max_overflow=24,
        pool_timeout=10.0,
        # A connection that died with the server is replaced before it is used.
        pool_pre_ping=True,
    )
    event.listen(engine, "do_connect", connect)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer may be refused at once; who is going to write says so first and waits its turn.
    is_writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
