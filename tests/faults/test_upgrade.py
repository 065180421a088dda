"""A rolling upgrade: the next release migrates the ledger while this one runs jobs on it, and starts on it again."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

import pytest

from jobengine.domain.states import JobState
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.acceptance

# What a release may do to a schema that the one before still uses: add, and give what it adds a default.
NEXT_RELEASE = (
    "ALTER TABLE tasks ADD COLUMN next_release TEXT NOT NULL DEFAULT 'unknown'",
    "ALTER TABLE jobs ADD COLUMN next_release INTEGER",
    "CREATE TABLE next_release (id TEXT PRIMARY KEY, task_id TEXT NOT NULL)",
    "CREATE INDEX ix_tasks_next_release ON tasks (next_release, id)",
    "UPDATE alembic_version SET version_num = 'next-release'",
)


def migrate_to_next_release(cluster: Cluster) -> None:
    """Do what the next release's engine would do when it starts."""
    with closing(sqlite3.connect(cluster.settings.data_path / "ledger.sqlite", timeout=30)) as connection:
        for statement in NEXT_RELEASE:
            connection.execute(statement)
        connection.commit()


def test_jobs_run_on_while_the_schema_is_upgraded_and_old_processes_start_on_it(cluster: Cluster) -> None:
    files = [f"file {number}".encode() for number in range(30)]
    job = cluster.submit("sleep", files, parameters={"sleep": {"seconds": 0.1}})
    cluster.wait_for_successes(job, 3)
    migrate_to_next_release(cluster)
    assert cluster.job(job).state is JobState.RUNNING
    done = cluster.finished(job)
    assert (done.state, len(cluster.results(job))) == (JobState.SUCCEEDED, len(files))
    assert cluster.engine is not None
    cluster.engine.terminate()
    assert cluster.engine.wait(20) == 0
    cluster.start_engine()
    after = cluster.submit("sum", [b"a", b"bb"])
    assert cluster.finished(after).state is JobState.SUCCEEDED
    assert "Traceback" not in cluster.log_of("engine"), sys.stderr.write(cluster.log_of("engine"))
