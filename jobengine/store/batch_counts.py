"""How many jobs of batches are in which state: one grouped statement for any number of batches."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from jobengine.domain.records import BatchCounts
from jobengine.domain.states import JobState
from jobengine.store.bulk import Link
from jobengine.store.tables import jobs


def count_in_batches(link: Link, batch_ids: Collection[str]) -> dict[str, BatchCounts]:
    """The counts of each of these batches that has jobs."""
    if not batch_ids:
        return {}
    grouped = (jobs.c.batch_id, jobs.c.state)
    statement = (
        select(*grouped, func.count(), _sum(jobs.c.enqueued > 0), _sum(_is_sendable()), func.min(jobs.c.id))
        .where(jobs.c.batch_id.in_(link.ids(batch_ids)))
        .group_by(*grouped)
    )
    by_batch: dict[str, list[Any]] = {}
    for batch_id, *row in link.run(statement):
        by_batch.setdefault(batch_id, []).append(row)
    return {batch_id: _read(rows) for batch_id, rows in by_batch.items()}


def _is_sendable() -> ColumnElement[bool]:
    return and_(jobs.c.enqueued == 0, jobs.c.ready > 0)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _read(rows: list[Any]) -> BatchCounts:
    by_state = dict.fromkeys(JobState, 0)
    sent = sendable = 0
    for state, count, has_enqueued, has_ready, _ in rows:
        by_state[JobState(state)] = int(count)
        if state == JobState.PENDING.value:
            sent, sendable = int(has_enqueued), int(has_ready)
    return BatchCounts(by_state, sent, sendable, min(row[-1] for row in rows))
