"""The jobs of batches are counted by state on every ledger."""

from __future__ import annotations

from jobengine.domain.records import BatchCounts, Counts
from jobengine.domain.states import JobState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import make_job, new_id

pytestmark = on_every_ledger


def test_each_batch_has_its_counts_and_its_first_job(store: SqlStore) -> None:
    first, second, empty = new_id(), new_id(), new_id()
    pending = (Counts(enqueued=1, ready=2), Counts(ready=1), Counts(ready=3, waiting=1), Counts(waiting=1))
    jobs = [make_job(batch_id=first, counts=counts) for counts in pending]
    for state in JobState:
        # Tasks that wait to be sent again make neither a running nor an ended job a pending one.
        jobs += [make_job(batch_id=second, state=state, counts=Counts(ready=1, enqueued=1)) for _ in range(2)]
    with store.begin() as ledger:
        ledger.jobs.insert([*jobs, make_job()], {})
    with store.read() as ledger:
        counted = ledger.jobs.count_in_batches([first, second, empty])
        assert ledger.jobs.count_in_batches([]) == {}
    none = dict.fromkeys(JobState, 0)
    assert counted == {
        first: BatchCounts({**none, JobState.PENDING: 4}, sent=1, sendable=2, first_job_id=jobs[0].id),
        second: BatchCounts(dict.fromkeys(JobState, 2), sent=2, sendable=0, first_job_id=jobs[4].id),
    }
    assert counted[first].total == 4
