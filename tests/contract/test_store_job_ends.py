"""Lists by end of the jobs of some states: each job in its place, and none read that is far from the page."""

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
            finished_at=NOW + chance.randrange(100) if state.is_final else None,
        )
        for number, state in enumerate(states)
    ]
    with store.begin() as ledger:
        ledger.jobs.insert(made, {})
    return made


@on_every_ledger
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("owner_id", [None, OWNER])
def test_the_jobs_of_any_states_are_listed_by_their_end(
    store: SqlStore, jobs: list[Job], owner_id: str | None, descending: bool
) -> None:
    by_end = sorted(jobs, key=lambda job: (sort_key(job, "finished_at"), job.id), reverse=descending)
    for count in (1, 2, 5):
        for states in combinations(JobState, count):
            where = JobFilter(owner_id=owner_id, states=states, sort="finished_at")
            wanted = [job for job in by_end if job.state in states and owner_id in (None, job.owner_id)]
            with store.read() as ledger:
                first = ledger.jobs.page(where, Page(7, descending=descending))
                after = Page(None, first[-1].id, descending=descending)
                assert first + ledger.jobs.page(where, after) == wanted
                assert ledger.jobs.page(where, Page(5, offset=4, descending=descending)) == wanted[4:9]


@pytest.mark.parametrize("ledger_url", [SQLITE_FILE], indirect=True)
@pytest.mark.parametrize(
    ("states", "indexes"),
    [
        ((JobState.SUCCEEDED, JobState.FAILED), ["ix_jobs_finished (<expr>>?)"]),
        ((JobState.SUCCEEDED, JobState.CANCELED), ["ix_jobs_state (state=?)", "ix_jobs_finished (<expr>>?)"]),
        ((JobState.PENDING,), ["ix_jobs_finished (<expr><?)"]),
        ((JobState.RUNNING,), ["ix_jobs_state (state=?)"]),
    ],
)
def test_common_states_are_read_along_the_index_by_end(
    store: SqlStore, jobs: list[Job], states: tuple[JobState, ...], indexes: list[str]
) -> None:
    sent: list[tuple[str, tuple[object, ...]]] = []

    def note(connection: object, cursor: object, statement: str, parameters: tuple[object, ...], *rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(store._database, "before_cursor_execute", note)
    with store.read() as ledger:
        ledger.jobs.page(JobFilter(states=states, sort="finished_at"), Page(5))
    statement, parameters = sent[-1]
    with store._database.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    used = [row[-1].partition("USING INDEX ")[2] for row in plan if "USING INDEX ix" in row[-1]]
    assert used == indexes
