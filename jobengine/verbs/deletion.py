"""Deleting jobs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.verbs.cancellation import cancel_in_ledger, tell_workers
from jobengine.verbs.movement import is_open
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans


def delete_jobs(outside: Outside, plans: Plans, owner_id: str | None, job_ids: Sequence[str]) -> int:
    """Delete these jobs, canceling what still runs; how many there were.

    Jobs of other owners are passed over (``owner_id`` None: nobody's are). Their bytes are collected later.
    """
    with outside.store.begin() as ledger:
        jobs = [job for job in ledger.jobs.fetch(job_ids, lock=True).values() if owner_id in (None, job.owner_id)]
        flying = cancel_in_ledger(ledger, plans, [job for job in jobs if is_open(job)], outside.clock())
        deleted = ledger.jobs.delete([job.id for job in jobs])
    tell_workers(outside, [(task.id, task.attempt) for task in flying])
    return deleted
