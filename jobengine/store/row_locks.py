"""Who changes rows that others change too locks them first, and everybody in one order.

The order is: jobs by ID, tasks by ID, batches by ID, workers by ID, and last the statistics by their keys. Nobody
waits for a lock while holding one that comes later, so nobody waits in a circle. Every move of a task changes the
counts of its job, so who moves tasks locks their jobs before it reads the tasks.

On SQLite there is one writer at a time and nothing to lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, Table, select

from jobengine.store.bulk import Link
from jobengine.store.tables import jobs, tasks


def lock_jobs(link: Link, job_ids: Any, *, skip_locked: bool = False) -> set[str]:
    """Lock the jobs of a sub-select of IDs; those that are locked by us now.

    With ``skip_locked`` those that somebody else has locked are passed over, and this never waits.
    """
    if not link.is_postgresql:
        return set()
    statement = select(jobs.c.id).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.id)
    return set(link.run(statement.with_for_update(skip_locked=skip_locked)).scalars())


def lock_jobs_of(link: Link, *criteria: Any) -> None:
    """Lock the jobs of the tasks that meet the criteria."""
    lock_jobs(link, select(tasks.c.job_id).where(*criteria))


def lock_rows(link: Link, table: Table, ids: Iterable[str]) -> None:
    """Lock the rows of these IDs."""
    if link.is_postgresql:
        wanted: Select[Any] = select(table.c.id).where(table.c.id.in_(link.ids(ids)))
        link.run(wanted.order_by(table.c.id).with_for_update())
