"""Two engines at once on one PostgreSQL lose nothing, double nothing, and never wait for each other in a circle."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import psycopg
import pytest

from jobengine.domain.states import TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import ON_POSTGRESQL
from tests.faults.several_engines import SeveralEngines
from tests.postgresql_server import PostgresqlServer, running_postgresql
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance

_UNFINISHED = "SELECT count(*) FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'canceled')"


@pytest.fixture(params=ON_POSTGRESQL)
def server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL of its own: its statistics count the deadlocks of this test alone."""
    with running_postgresql() as server:
        yield server


def test_two_engines_share_the_work_and_never_wait_in_a_circle(
    server: PostgresqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.create_database("ledger")
    migrated = SqlStore(url)
    migrated.migrate()
    migrated.close()
    with psycopg.connect(url, autocommit=True) as database, caplog.at_level(logging.ERROR, "jobengine"):
        cluster = SeveralEngines(url, engines=2)
        cluster.start()
        try:
            cluster.run_clients(4, jobs=30)
            wait_until(lambda: database.execute(_UNFINISHED).fetchone() == (0,), 120.0, "the end of all tasks")
            differences = cluster.web.audit()
            jobs = dict(database.execute("SELECT id, state FROM jobs").fetchall())
            tasks = database.execute("SELECT state, count(*) FROM tasks GROUP BY state").fetchall()
        finally:
            cluster.finish()
        deadlocks = database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = 'ledger'").fetchone()
    assert cluster.broken == []
    assert deadlocks == (0,)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert differences == []
    assert set(cluster.accepted) - set(jobs) <= cluster.deleted
    assert sum(count for _, count in tasks) > 2000
    assert dict(tasks)[TaskState.SUCCEEDED.value] > 1000
