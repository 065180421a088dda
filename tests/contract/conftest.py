"""Ledgers to test on: fresh for each test, copied from one that was migrated once."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobengine.store import SqlStore
from tests.contract.ledgers import POSTGRESQL, SQLITE_FILE
from tests.postgresql_server import PostgresqlServer, running_postgresql

TEMPLATE = "ledger_template"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server for all tests of this process, with a migrated database to copy from."""
    with running_postgresql() as server:
        template = SqlStore(server.create_database(TEMPLATE))
        template.migrate()
        template.close()
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
        name = f"ledger_{uuid.uuid4().hex}"
        yield server.create_database(name, TEMPLATE)
        server.drop_database(name)
    elif request.param == SQLITE_FILE:
        path = tmp_path / "ledger.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        yield "sqlite://"


@pytest.fixture
def store(ledger_url: str) -> Iterator[SqlStore]:
    """A ledger with tables and nothing in them."""
    opened = SqlStore(ledger_url)
    if ledger_url == "sqlite://":
        opened.migrate()
    yield opened
    opened.close()
