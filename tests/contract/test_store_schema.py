"""The schema comes up from nothing, is what the tables say, and takes one engine where it must."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import JobFilter
from jobengine.domain.records import Executor, PipelineState, Role
from jobengine.domain.states import FailureKind, JobState, TaskState
from jobengine.store import SqlStore
from jobengine.store.databases import open_database
from jobengine.store.tables import METADATA
from tests.contract.ledgers import (
    on_every_empty_database,
    on_every_ledger,
    on_shared_empty_databases,
    on_shared_ledgers,
)
from tests.contract.rows import make_job

CHECKED: dict[tuple[str, str], type[Enum]] = {
    ("tasks", "state"): TaskState,
    ("tasks", "executor"): Executor,
    ("tasks", "failure_kind"): FailureKind,
    ("attempts", "failure_kind"): FailureKind,
    ("jobs", "state"): JobState,
    ("keys", "role"): Role,
    ("pipelines", "state"): PipelineState,
}


@on_every_empty_database
def test_a_database_without_tables_is_unavailable_until_it_is_migrated(empty_url: str) -> None:
    store = SqlStore(empty_url)
    with pytest.raises(EngineError, match="migrated first") as refusal:
        store.check()
    assert refusal.value.code is ErrorCode.UNAVAILABLE
    with pytest.raises(EngineError) as refusal, store.read() as ledger:
        ledger.jobs.count(JobFilter())
    assert refusal.value.code is ErrorCode.UNAVAILABLE
    store.migrate()
    store.check()
    store.migrate()
    store.check()
    store.close()


@on_shared_empty_databases
def test_processes_that_migrate_at_once_all_find_the_newest_schema(empty_url: str) -> None:
    def migrate(_number: int) -> None:
        store = SqlStore(empty_url)
        store.migrate()
        store.check()
        store.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, range(4)))


@on_shared_ledgers
def test_an_older_schema_is_unavailable(store: SqlStore, ledger_url: str) -> None:
    newest = current_revision(ledger_url)
    set_revision(ledger_url, "0001")
    with pytest.raises(EngineError, match="older") as refusal:
        store.check()
    assert refusal.value.code is ErrorCode.UNAVAILABLE
    set_revision(ledger_url, newest)
    store.check()


@on_shared_ledgers
def test_a_newer_schema_is_left_alone_and_good_enough(store: SqlStore, ledger_url: str) -> None:
    newest = current_revision(ledger_url)
    try:
        set_revision(ledger_url, "9999")
        store.check()
        store.migrate()
        store.check()
    finally:
        set_revision(ledger_url, newest)


def current_revision(url: str) -> str:
    database = open_database(url)
    with database.begin() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    database.dispose()
    return str(revision)


def set_revision(url: str, revision: str) -> None:
    database = open_database(url)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    database.dispose()


@on_shared_ledgers
@pytest.mark.filterwarnings("ignore:autogenerate skipping:UserWarning", "ignore:Skipped unsupported reflection")
def test_the_revisions_make_the_tables_that_the_code_names(ledger_url: str) -> None:
    migrated, made = open_database(ledger_url), create_engine("sqlite://")
    METADATA.create_all(made)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_described})
        assert compare_metadata(context, METADATA) == []
        if migrated.dialect.name == "sqlite":
            with made.connect() as fresh:
                assert sqlite_schema(connection) == sqlite_schema(fresh)
    migrated.dispose()


def is_described(_thing: object, name: str | None, *_: object) -> bool:
    """Whether the tables of the code describe this; the index for the search is made by its revision alone."""
    return "job_search" not in str(name)


def sqlite_schema(connection: object) -> dict[str, str]:
    """The statements that made tables and indexes, apart from their layout and the order of constraints."""
    rows = connection.exec_driver_sql(  # type: ignore[attr-defined]
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
        " AND name NOT LIKE 'job_search%'"
    )
    return {name: " ".join(sorted(re.findall(r"[^\s,]+", sql))) for name, sql in rows}


@on_every_ledger
def test_the_words_that_the_database_takes_are_the_words_of_the_code(store: SqlStore) -> None:
    with store.read() as ledger:
        inspector = inspect(ledger.tasks._link.connection)
        checks = {
            check["name"]: str(check["sqltext"])
            for table in METADATA.tables
            for check in inspector.get_check_constraints(table)
        }
    assert set(checks) == {f"ck_{table}_{column}" for table, column in CHECKED}
    for (table, column), words in CHECKED.items():
        quoted = set(re.findall(r"'(\w+)'", checks[f"ck_{table}_{column}"]))
        assert quoted == {member.value for member in words}


def test_a_sqlite_file_takes_one_engine(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    first, second = SqlStore(url), SqlStore(url)
    with first.claim_engine():
        with pytest.raises(EngineError) as refusal, second.claim_engine():
            pass
        assert refusal.value.code is ErrorCode.CONFLICT
    with second.claim_engine():
        pass


def test_the_place_of_an_engine_that_was_killed_is_free(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    script = f"from jobengine.store import SqlStore\nwith SqlStore({url!r}).claim_engine():\n    print('here'); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "here\n"
        with pytest.raises(EngineError), SqlStore(url).claim_engine():
            pass
        engine.kill()
        engine.wait(10)
        with SqlStore(url).claim_engine():
            pass


@pytest.mark.parametrize("url", ["sqlite://", "postgresql://localhost/ledger"])
def test_other_ledgers_take_any_number_of_engines(url: str) -> None:
    with SqlStore(url).claim_engine(), SqlStore(url).claim_engine():
        pass


def test_what_was_committed_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new folder' / 'ledger.sqlite'}"
    job = make_job()
    store = SqlStore(url)
    store.migrate()
    with store.begin() as ledger:
        ledger.jobs.insert([job], {})
    store.close()
    again = SqlStore(url)
    with again.read() as ledger:
        assert ledger.jobs.fetch([job.id]) == {job.id: job}
    again.close()
