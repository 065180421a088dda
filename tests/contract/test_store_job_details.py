"""What many jobs have around them is found in one go, on every ledger."""

from __future__ import annotations

from jobengine.domain.states import FailureKind, TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import make_file, make_job, make_result, make_task, new_id

pytestmark = on_every_ledger


def test_files_come_in_their_order_with_their_hashes_also_when_they_are_gone(store: SqlStore) -> None:
    first, second = make_file(sha256="1" * 64), make_file(sha256="2" * 64)
    jobs = [make_job(), make_job(), make_job()]
    with store.begin() as ledger:
        ledger.files.insert([first, second])
        ledger.jobs.insert(jobs, {jobs[0].id: [second.id, first.id], jobs[1].id: [first.id]})
        ledger.files.delete([first.id])
        assert ledger.jobs.files([job.id for job in jobs]) == {
            jobs[0].id: [(second.id, second.sha256), (first.id, first.sha256)],
            jobs[1].id: [(first.id, first.sha256)],
        }
        assert ledger.jobs.files([]) == {}


def test_children_are_found_by_their_parents(store: SqlStore) -> None:
    parent, other = make_job(), make_job()
    children = [make_job(parent_id=parent.id) for _ in range(2)]
    with store.begin() as ledger:
        ledger.jobs.insert([parent, other, *children, make_job(parent_id=other.id)], {})
        assert ledger.jobs.children([parent.id, new_id()]) == {parent.id: [child.id for child in children]}
        assert ledger.jobs.children([]) == {}


def test_each_job_has_its_newest_result_and_its_first_failure(store: SqlStore) -> None:
    first, second, third = new_id(), new_id(), new_id()
    results = [make_result(job_id=job_id) for job_id in (first, first, second)]
    fields = {"state": TaskState.FAILED, "failure_kind": FailureKind.STEP, "message": "no"}
    tasks = [make_task(job_id=first), *(make_task(job_id=job_id, **fields) for job_id in (first, first, third))]
    with store.begin() as ledger:
        ledger.results.insert(results, [])
        ledger.tasks.insert(tasks)
        assert ledger.results.newest_ids([first, second, third]) == {first: results[1].id, second: results[2].id}
        assert ledger.tasks.first_failed([first, second, third]) == {first: tasks[1], third: tasks[3]}
        assert (ledger.results.newest_ids([]), ledger.tasks.first_failed([])) == ({}, {})
