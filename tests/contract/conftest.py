"""Ledgers to test on: fresh for each test, copied from one that was migrated once."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from jobengine.store import SqlStore
from jobengine.store.tables import METADATA
from tests.contract.ledgers import POSTGRESQL, SQLITE_FILE
from tests.memory_ledger import migrated_ledger
from tests.postgresql_server import PostgresqlServer, running_postgresql

LEDGER = "ledger"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server for all tests of this process, with one migrated database."""
    with running_postgresql() as server:
        migrated = SqlStore(server.create_database(LEDGER))
        migrated.migrate()
        migrated.close()
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy from."""
    path = tmp_path_factory.mktemp("ledger") / "template.sqlite"
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables; the parameter says of which kind."""
    if request.param == POSTGRESQL:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        name = f"empty_{uuid.uuid4().hex}"
        yield server.create_database(name)
        server.drop_database(name)
    else:
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}" if request.param == SQLITE_FILE else "sqlite://"


@pytest.fixture
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database; the parameter says of which kind."""
    if request.param == POSTGRESQL:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        yield server.url(LEDGER)
        # Making a database takes a hundred times longer than emptying one.
        with psycopg.connect(server.url(LEDGER)) as connection:
            connection.execute(
                SQL("; ").join(SQL("DELETE FROM {}").format(Identifier(table)) for table in METADATA.tables)
            )
    elif request.param == SQLITE_FILE:
        path = tmp_path / "ledger.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        yield "sqlite://"


@pytest.fixture
def store(ledger_url: str) -> Iterator[SqlStore]:
    """A ledger with tables and nothing in them."""
    opened = migrated_ledger().store if ledger_url == "sqlite://" else SqlStore(ledger_url)
    yield opened
    opened.close()
