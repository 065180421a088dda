"""Lists of the jobs of some states in any order: each job in its place, and none read that is far from the page."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from sqlalchemy import event

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.orders import sort_key
from jobengine.domain.records import Job
from jobengine.domain.states import JobState
from jobengine.store import SqlStore, paging
from tests.contract.ledgers import SQLITE_FILE, on_every_ledger
from tests.contract.rows import NOW, OTHER_OWNER, OWNER, make_job

FREQUENT = 12
"""How many jobs of a state make it common in these tests."""
COUNTS = {
    JobState.PENDING: 20,
    JobState.RUNNING: 3,
    JobState.SUCCEEDED: 30,
    JobState.FAILED: 15,
    JobState.CANCELED: 4,
}


@pytest.fixture
def jobs(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs of all states, some rare and some common, mixed."""
    monkeypatch.setattr(paging, "_MANY", FREQUENT)
    chance = random.Random(3)
    states = [state for state, count in COUNTS.items() for _ in range(count)]
    chance.shuffle(states)
    made = [
        make_job(
            owner_id=chance.choice([OWNER, OWNER, OTHER_OWNER]),
            state=state,
            created_at=NOW + number,
            name=chance.choice("abc"),
            priority=chance.choice([1, 5]),
            started_at=_start(state, chance),
            finished_at=NOW + chance.randrange(100) if state.is_final else None,
        )
        for number, state in enumerate(states)
    ]
    with store.begin() as ledger:
        ledger.jobs.insert(made, {})
    return made


def _start(state: JobState, chance: random.Random) -> float | None:
    """A job that runs has begun; one that has ended may have been canceled before, or driven by somebody outside."""
    is_begun = state is JobState.RUNNING or (state.is_final and chance.random() < 0.7)
    return NOW + chance.randrange(100) if is_begun else None


@on_every_ledger
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("owner_id", [None, OWNER])
@pytest.mark.parametrize("sort", ["finished_at", "started_at", "name", "priority"])
def test_the_jobs_of_any_states_are_listed_in_any_order(
    store: SqlStore, jobs: list[Job], owner_id: str | None, descending: bool, sort: str
) -> None:
    in_order = sorted(jobs, key=lambda job: (sort_key(job, sort), job.id), reverse=descending)
    for count in (1, 2, 5):
        for states in combinations(JobState, count):
            where = JobFilter(owner_id=owner_id, states=states, sort=sort)
            wanted = [job for job in in_order if job.state in states and owner_id in (None, job.owner_id)]
            with store.read() as ledger:
                first = ledger.jobs.page(where, Page(7, descending=descending))
                after = Page(None, first[-1].id, descending=descending)
                assert first + ledger.jobs.page(where, after) == wanted
                assert ledger.jobs.page(where, Page(5, offset=4, descending=descending)) == wanted[4:9]


@pytest.mark.parametrize("ledger_url", [SQLITE_FILE], indirect=True)
@pytest.mark.parametrize(
    ("sort", "states", "indexes"),
    [
        ("finished_at", (JobState.SUCCEEDED, JobState.FAILED), ["ix_jobs_finished (<expr>>?)"]),
        (
            "finished_at",
            (JobState.SUCCEEDED, JobState.CANCELED),
            ["ix_jobs_state (state=?)", "ix_jobs_finished (<expr>>?)"],
        ),
        ("finished_at", (JobState.PENDING,), ["ix_jobs_finished (<expr><?)"]),
        ("finished_at", (JobState.RUNNING,), ["ix_jobs_state (state=?)"]),
        ("started_at", (JobState.SUCCEEDED, JobState.FAILED), ["ix_jobs_started"]),
        ("started_at", (JobState.SUCCEEDED, JobState.CANCELED), ["ix_jobs_state (state=?)", "ix_jobs_started"]),
        ("started_at", (JobState.PENDING,), ["ix_jobs_started (<expr><?)"]),
        ("started_at", (JobState.RUNNING,), ["ix_jobs_state (state=?)"]),
        ("name", (JobState.SUCCEEDED, JobState.FAILED), ["ix_jobs_name"]),
        ("name", (JobState.RUNNING,), ["ix_jobs_state (state=?)"]),
        ("priority", (JobState.PENDING, JobState.SUCCEEDED), ["ix_jobs_priority"]),
        ("priority", (JobState.CANCELED,), ["ix_jobs_state (state=?)"]),
    ],
)
def test_common_states_are_read_along_the_index_in_the_order(
    store: SqlStore, jobs: list[Job], sort: str, states: tuple[JobState, ...], indexes: list[str]
) -> None:
    assert indexes_of(store, JobFilter(states=states, sort=sort), Page(5)) == indexes


@pytest.mark.parametrize("ledger_url", [SQLITE_FILE], indirect=True)
@pytest.mark.parametrize("page", [Page(5), Page(5, "f" * 24, after_key=2.0**40), Page(5, descending=False)])
def test_rare_states_of_an_owner_are_looked_up_and_sorted(store: SqlStore, jobs: list[Job], page: Page) -> None:
    rare, common = "ix_jobs_owner_state (owner_id=? AND state=?)", "ix_jobs_owner_started (owner_id=?"
    where = JobFilter(owner_id=OWNER, states=(JobState.RUNNING, JobState.SUCCEEDED), sort="started_at")
    found = indexes_of(store, where, page)
    assert (len(found), found[0], found[1].startswith(common)) == (2, rare, True)


def indexes_of(store: SqlStore, where: JobFilter, page: Page) -> list[str]:
    """The indexes by which SQLite reads a page."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def note(connection: object, cursor: object, statement: str, parameters: tuple[object, ...], *rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(store._database, "before_cursor_execute", note)
    with store.read() as ledger:
        ledger.jobs.page(where, page)
    statement, parameters = sent[-1]
    with store._database.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [row[-1].partition("INDEX ")[2] for row in plan if "INDEX ix" in row[-1]]
