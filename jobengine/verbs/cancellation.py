"""Canceling jobs: the ledger first, then word to the workers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from jobengine.domain import moves
from jobengine.domain.errors import EngineError
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.interfaces.transport import AttemptKey
from jobengine.domain.records import Job, Task
from jobengine.domain.states import FINAL_STATES, TaskState
from jobengine.verbs.attempts import end_attempts
from jobengine.verbs.movement import is_open, move_tasks
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

log = logging.getLogger(__name__)

_JOBS_AT_ONCE = 1000

UNFINISHED = tuple(state for state in TaskState if state not in FINAL_STATES)


def cancel_jobs(outside: Outside, plans: Plans, owner_id: str | None, job_ids: Sequence[str]) -> int:
    """Cancel every unfinished task of these jobs; how many jobs that changed.

    Jobs of other owners are passed over (``owner_id`` None: nobody's are). A task that is running is told to stop,
    and whatever it reports afterwards is refused.
    """
    with outside.store.begin() as ledger:
        jobs = [job for job in ledger.jobs.fetch(job_ids, lock=True).values() if owner_id in (None, job.owner_id)]
        flying = cancel_in_ledger(ledger, plans, [job for job in jobs if is_open(job)], outside.clock())
    tell_workers(outside, [(task.id, task.attempt) for task in flying])
    return sum(is_open(job) for job in jobs)


def cancel_in_ledger(ledger: Ledger, plans: Plans, jobs: Sequence[Job], now: float) -> list[Task]:
    """Cancel jobs that the transaction has locked; the tasks that workers must hear about."""
    ledger.jobs.write([(job, replace(job, canceled_at=now)) for job in jobs])
    tasks = ledger.tasks.of_jobs([job.id for job in jobs], UNFINISHED, lock=True)
    changes = [TaskChange(task, moves.cancel(task, "The job was canceled.", now)) for task in tasks]
    moved = move_tasks(ledger, plans, changes, now)
    end_attempts(ledger, moved, "canceled", now)
    return [change.before for change in moved if change.before.delivery_id is not None]


def tell_workers(outside: Outside, attempts: Sequence[AttemptKey]) -> None:
    """Send word that nobody wants these attempts; when Redis is down, the next lease renewal brings it up again."""
    if not attempts:
        return
    try:
        outside.transport.announce_canceled(attempts)
    except EngineError as error:
        log.warning("could not tell the workers of %d canceled tasks yet: %s", len(attempts), error)


def cancel_jobs_where(outside: Outside, plans: Plans, where: JobFilter) -> int:
    """Cancel what is unfinished of the jobs that meet the criteria, a thousand at a time; how many were."""
    canceled, after = 0, None
    while True:
        with outside.store.read() as ledger:
            jobs = ledger.jobs.page(where, Page(limit=_JOBS_AT_ONCE, after=after))
        canceled += cancel_jobs(outside, plans, where.owner_id, [job.id for job in jobs])
        if len(jobs) < _JOBS_AT_ONCE:
            return canceled
        after = jobs[-1].id
