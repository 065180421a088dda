"""The job rows, their counts and their statistics keep their contract on every ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import JobFilter
from jobengine.domain.interfaces.job_rows import JobDelta
from jobengine.domain.records import Counts, Job, LogLine
from jobengine.domain.states import JobState, TaskState
from jobengine.store import SqlStore
from jobengine.store.tables import METADATA
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import (
    NOW,
    OTHER_OWNER,
    OWNER,
    make_artifact,
    make_attempt,
    make_file,
    make_job,
    make_result,
    make_task,
    new_id,
)

pytestmark = on_every_ledger


def insert(store: SqlStore, *jobs: Job) -> None:
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, {})


def fetch(store: SqlStore, job: Job) -> Job:
    with store.read() as ledger:
        return ledger.jobs.fetch([job.id])[job.id]


def write(store: SqlStore, *changes: tuple[Job, Job]) -> set[str]:
    with store.begin() as ledger:
        return ledger.jobs.write(changes)


def statistics(store: SqlStore, owner_id: str | None = OWNER) -> dict[tuple[str, JobState], int]:
    with store.read() as ledger:
        return ledger.jobs.statistics(owner_id)


def add(store: SqlStore, deltas: Sequence[JobDelta]) -> list[Job]:
    with store.begin() as ledger:
        return ledger.jobs.add_deltas(deltas)


def test_a_job_comes_back_as_it_was_inserted(store: SqlStore) -> None:
    job = make_job(
        name="Zellen 🔬",
        state=JobState.FAILED,
        counts=Counts(1, 2, 3, 4, 5, 6, 7),
        progress=2**40,
        parameters={"measure": {"threshold": "otsu", "sizes": [1, 2.5, None]}},
        labels={"project": "a", "plate": "1"},
        tolerated_failures=3,
        parent_id=new_id(),
        retry_of=new_id(),
        batch_id=new_id(),
        started_at=NOW + 0.1,
        finished_at=NOW + 0.3,
        canceled_at=NOW + 0.7,
    )
    insert(store, job, plain := make_job())
    assert fetch(store, job) == job
    assert fetch(store, plain) == plain


def test_a_job_keeps_its_files_in_their_order(store: SqlStore) -> None:
    first, second = make_job(), make_job()
    files = [new_id() for _ in range(3)]
    with store.begin() as ledger:
        ledger.jobs.insert([first, second], {first.id: files[::-1], second.id: files[:1]})
        assert ledger.jobs.file_ids(first.id) == files[::-1]
        assert ledger.jobs.file_ids(second.id) == files[:1]
        assert ledger.jobs.file_ids(new_id()) == []
        assert ledger.jobs.fetch([]) == {}


def test_deltas_add_up_and_the_jobs_come_back_as_they_are_then(store: SqlStore) -> None:
    first, second = make_job(counts=Counts(ready=3)), make_job(counts=Counts(ready=1))
    insert(store, first, second)
    moved = {TaskState.READY: -1, TaskState.RUNNING: 1}
    deltas = [JobDelta(second.id, moved, 0, NOW + 5), JobDelta(first.id, moved, 500), JobDelta(first.id, moved, 250)]
    found = add(store, deltas)
    assert found == [
        replace(first, counts=Counts(ready=1, running=2), progress=750),
        replace(second, counts=Counts(running=1), started_at=NOW + 5),
    ]
    assert fetch(store, first) == found[0]
    assert add(store, []) == []
    assert add(store, [JobDelta(new_id(), moved)]) == []


def test_the_earliest_start_is_kept(store: SqlStore) -> None:
    job = make_job()
    insert(store, job)
    starts = []
    for given in ([None], [NOW + 9], [NOW + 5, NOW + 7], [NOW + 6], [None]):
        (found,) = add(store, [JobDelta(job.id, {}, 0, start) for start in given])
        starts.append(found.started_at)
    assert starts == [None, NOW + 9, NOW + 5, NOW + 5, NOW + 5]


def test_a_write_changes_state_ends_and_name_and_nothing_else(store: SqlStore) -> None:
    job = make_job()
    insert(store, job)
    after = replace(
        job, state=JobState.CANCELED, finished_at=NOW + 1, canceled_at=NOW, name="renamed", priority=9, progress=7
    )
    assert write(store, (job, after)) == {job.id}
    assert fetch(store, job) == replace(after, priority=5, progress=0)


def test_a_write_is_refused_when_the_state_is_another_one(store: SqlStore) -> None:
    job = make_job()
    insert(store, job)
    believed = replace(job, state=JobState.RUNNING)
    assert write(store, (believed, replace(job, state=JobState.SUCCEEDED))) == set()
    assert fetch(store, job) == job
    assert statistics(store) == {("nuclei", JobState.PENDING): 1}


def test_statistics_follow_every_insert_write_and_delete(store: SqlStore) -> None:
    jobs = [make_job() for _ in range(3)]
    other = make_job(owner_id=OTHER_OWNER, pipeline_name="cells", state=JobState.RUNNING)
    insert(store, *jobs, other)
    assert statistics(store) == {("nuclei", JobState.PENDING): 3}
    assert statistics(store, None) == {("nuclei", JobState.PENDING): 3, ("cells", JobState.RUNNING): 1}
    write(store, *((job, replace(job, state=JobState.RUNNING)) for job in jobs[:2]))
    assert statistics(store) == {("nuclei", JobState.PENDING): 1, ("nuclei", JobState.RUNNING): 2}
    with store.begin() as ledger:
        ledger.jobs.delete([jobs[0].id, other.id])
        assert ledger.jobs.statistics(None) == {("nuclei", JobState.PENDING): 1, ("nuclei", JobState.RUNNING): 1}
    assert statistics(store, OTHER_OWNER) == {}


def test_statistics_are_rolled_back_with_their_transaction(store: SqlStore) -> None:
    def break_off() -> None:
        with store.begin() as ledger:
            ledger.jobs.insert([make_job()], {})
            assert ledger.jobs.statistics(OWNER) == {("nuclei", JobState.PENDING): 1}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert statistics(store) == {}


def test_counts_by_owner_state_and_pipeline_agree_with_the_rows(store: SqlStore) -> None:
    insert(
        store,
        *(make_job(state=state) for state in JobState),
        make_job(pipeline_name="cells"),
        make_job(owner_id=OTHER_OWNER),
    )
    with store.read() as ledger:
        assert ledger.jobs.count(JobFilter()) == 7
        assert ledger.jobs.count(JobFilter(owner_id=OWNER)) == 6
        assert ledger.jobs.count(JobFilter(pipeline_name="nuclei")) == 6
        assert ledger.jobs.count(JobFilter(OWNER, states=(JobState.PENDING, JobState.FAILED))) == 3
        assert ledger.jobs.count(JobFilter(OWNER, states=(JobState.PENDING,), text="job")) == 2
        assert ledger.jobs.count(JobFilter(states=())) == 0


def test_a_deleted_job_leaves_no_row_anywhere_and_takes_no_other_job_along(store: SqlStore) -> None:
    gone, kept = make_job(labels={"project": "a"}), make_job(labels={"project": "a"})
    file = make_file()
    with store.begin() as ledger:
        ledger.files.insert([file])
        ledger.jobs.insert([gone, kept], {gone.id: [file.id], kept.id: [file.id]})
        for job in (gone, kept):
            task = make_task(job_id=job.id)
            ledger.tasks.insert([task])
            result = make_result(job_id=job.id, task_id=task.id)
            ledger.results.insert([result], [make_artifact(job_id=job.id, task_id=task.id, result_id=result.id)])
            ledger.results.insert_attempts([make_attempt(task_id=task.id, job_id=job.id)])
            ledger.results.insert_logs([LogLine(task.id, 1, NOW, "a line")])
    before = row_counts(store)
    with store.begin() as ledger:
        assert ledger.jobs.delete([gone.id, new_id()]) == 1
    after = row_counts(store)
    of_jobs = {"jobs", "job_files", "job_labels", "tasks", "results", "artifacts", "attempts", "task_logs"}
    assert {name for name in before if after[name] != before[name]} == of_jobs
    assert {after[name] for name in of_jobs} == {1}
    assert fetch(store, kept) == kept


def row_counts(store: SqlStore) -> dict[str, int]:
    """Rows by table, but for the statistics, whose rows stay."""
    with store.read() as ledger:
        return {
            name: ledger.jobs._link.run(select(func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
            if name != "job_counts"
        }


@pytest.mark.thorough
def test_more_jobs_than_one_statement_takes_are_deleted(store: SqlStore) -> None:
    jobs = [make_job() for _ in range(6001)]
    insert(store, *jobs)
    with store.begin() as ledger:
        assert ledger.jobs.delete([job.id for job in jobs]) == 6001
        assert ledger.jobs.delete([]) == 0
        assert ledger.jobs.count(JobFilter()) == 0


def test_an_answer_is_kept_for_its_key_and_owner(store: SqlStore) -> None:
    with store.begin() as ledger:
        assert ledger.jobs.recall_request(OWNER, "key") is None
        ledger.jobs.remember_request(OWNER, "key", "digest", "[]", NOW + 60)
        ledger.jobs.remember_request(OTHER_OWNER, "key", "other", "[1]", NOW + 60)
    with store.read() as ledger:
        assert ledger.jobs.recall_request(OWNER, "key") == ("digest", "[]")
        assert ledger.jobs.recall_request(OTHER_OWNER, "key") == ("other", "[1]")


def test_a_key_that_is_taken_is_a_conflict_and_nothing_of_the_transaction_stays(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.jobs.remember_request(OWNER, "key", "digest", "[]", NOW + 60)

    def submit_again() -> None:
        with store.begin() as ledger:
            ledger.jobs.insert([make_job()], {})
            ledger.jobs.remember_request(OWNER, "key", "another", "[]", NOW + 60)

    with pytest.raises(EngineError) as refusal:
        submit_again()
    assert refusal.value.code is ErrorCode.CONFLICT
    with store.read() as ledger:
        assert ledger.jobs.count(JobFilter()) == 0
        assert ledger.jobs.recall_request(OWNER, "key") == ("digest", "[]")


def test_expired_answers_are_forgotten(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.jobs.remember_request(OWNER, "old", "digest", "[]", NOW - 1)
        ledger.jobs.remember_request(OWNER, "new", "digest", "[]", NOW + 1)
        assert ledger.jobs.forget_requests(NOW) == 1
        assert ledger.jobs.recall_request(OWNER, "old") is None
        assert ledger.jobs.recall_request(OWNER, "new") is not None
