"""Moves of tasks: guarded writes, many in one statement, that say which rows they moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Integer, Text, column, update

from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.store.bulk import Link, incoming, storable
from jobengine.store.tables import tasks

# What a move may change. The counts of predecessors belong to ``fan_in``, all else is fixed by the submission.
MOVED = (
    "state",
    "attempt",
    "failures",
    "losses",
    "progress",
    "message",
    "not_before",
    "delivery_id",
    "worker",
    "lease_expires_at",
    "enqueued_at",
    "started_at",
    "finished_at",
    "failure_kind",
)

_GUARD = 3
"""How many values of a change's row are not written but compared: the ID, and state and attempt before."""

_WRITE_ONE = f"UPDATE tasks SET {' = ?, '.join(MOVED)} = ? WHERE id = ? AND state = ? AND attempt = ?"  # noqa: S608


def write_moves(link: Link, changes: Sequence[TaskChange]) -> set[str]:
    """Write each change whose guard holds; the IDs of the tasks that moved."""
    rows = [_change_row(change) for change in changes]
    if rows and not link.is_postgresql and _write_all(link, rows):
        return {change.before.id for change in changes}
    return {identifier for (identifier,) in link.run_bulk(_write_statement, rows)}


def _write_all(link: Link, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Write the changes, or none of them when a guard does not hold; whether they are written.

    SQLite takes plain rows twice as fast as it unfolds JSON, but only says how many it changed.
    """
    with link.connection.begin_nested() as savepoint:
        written = link.connection.exec_driver_sql(_WRITE_ONE, [(*row[_GUARD:], *row[:_GUARD]) for row in rows])
        if written.rowcount == len(rows):
            return True
        savepoint.rollback()
    return False


def _change_row(change: TaskChange) -> tuple[Any, ...]:
    before, after = change.before, change.after
    return (
        before.id,
        before.state.value,
        before.attempt,
        after.state.value,
        after.attempt,
        after.failures,
        after.losses,
        after.progress,
        storable(after.message),
        after.not_before,
        after.delivery_id,
        storable(after.worker),
        after.lease_expires_at,
        after.enqueued_at,
        after.started_at,
        after.finished_at,
        after.failure_kind and after.failure_kind.value,
    )


@lru_cache(maxsize=2)
def _write_statement(is_postgresql: bool) -> Executable:
    guard = (tasks.c.id, column("state_before", Text), column("attempt_before", Integer))
    given = incoming([*guard, *(tasks.c[name] for name in MOVED)], is_postgresql)
    return (
        update(tasks)
        .where(
            tasks.c.id == given.c.id,
            tasks.c.state == given.c.state_before,
            tasks.c.attempt == given.c.attempt_before,
        )
        .values({name: given.c[name] for name in MOVED})
        .returning(tasks.c.id)
    )
