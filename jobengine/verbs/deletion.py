"""Deleting jobs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.domain.filters import JobFilter, Page
from jobengine.verbs.cancellation import cancel_in_ledger, tell_workers
from jobengine.verbs.movement import is_open
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

JOBS_AT_ONCE = 1000


def delete_jobs(
    outside: Outside,
    plans: Plans,
    owner_id: str | None,
    job_ids: Sequence[str],
    *,
    batches_before: float | None = None,
) -> int:
    """Delete these jobs, canceling what still runs; how many there were.

    Jobs of other owners are passed over (``owner_id`` None: nobody's are). Their bytes are collected later. A batch
    that was made before ``batches_before`` goes with the last of its jobs; others stay, and say how many were deleted.
    """
    with outside.store.begin() as ledger:
        jobs = [job for job in ledger.jobs.fetch(job_ids, lock=True).values() if owner_id in (None, job.owner_id)]
        flying = cancel_in_ledger(ledger, plans, [job for job in jobs if is_open(job)], outside.clock())
        deleted = ledger.jobs.delete([job.id for job in jobs])
        batch_ids = {job.batch_id for job in jobs if job.batch_id is not None}
        if batches_before is not None and batch_ids:
            ledger.owners.delete_empty_batches(batches_before, batch_ids)
    tell_workers(outside, [(task.id, task.attempt) for task in flying])
    return deleted


def delete_jobs_where(outside: Outside, plans: Plans, where: JobFilter) -> int:
    """Delete the jobs that meet the criteria, a thousand in a transaction; how many there were."""
    deleted = 0
    while True:
        with outside.store.read() as ledger:
            job_ids = [job.id for job in ledger.jobs.page(where, Page(limit=JOBS_AT_ONCE))]
        if not job_ids:
            return deleted
        deleted += delete_jobs(outside, plans, where.owner_id, job_ids)
