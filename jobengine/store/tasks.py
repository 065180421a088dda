"""The task rows, read and counted; how they move is in ``task_moves``, how they are released in ``fan_in``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, text

from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.interfaces.task_rows import Settlement, TaskChange
from jobengine.domain.records import Executor, Task
from jobengine.domain.states import FailureKind, TaskState
from jobengine.store import paging, predicates
from jobengine.store.bulk import Link, insert_rows
from jobengine.store.fan_in import count_down
from jobengine.store.job_details import first_failures
from jobengine.store.picking import Wanted, pick_ready
from jobengine.store.row_locks import lock_jobs_of
from jobengine.store.tables import tasks
from jobengine.store.task_moves import write_moves

_STATE, _EXECUTOR, _FAILURE_KIND = (Task._fields.index(name) for name in ("state", "executor", "failure_kind"))
# Looking a word up here takes a third of the time that the enum's own way does.
_STATES = {state.value: state for state in TaskState}
_EXECUTORS = {executor.value: executor for executor in Executor}


def task_row(task: Task) -> tuple[Any, ...]:
    """The values of a task in the order of the table's columns."""
    values = list(task)
    values[_STATE] = task.state.value
    values[_EXECUTOR] = task.executor.value
    values[_FAILURE_KIND] = task.failure_kind and task.failure_kind.value
    return tuple(values)


def read_task(row: Sequence[Any]) -> Task:
    """The task that a whole row of the table is."""
    values = list(row)
    values[_STATE] = _STATES[row[_STATE]]
    values[_EXECUTOR] = _EXECUTORS[row[_EXECUTOR]]
    values[_FAILURE_KIND] = FailureKind(row[_FAILURE_KIND]) if row[_FAILURE_KIND] else None
    return Task._make(values)


class SqlTasks:
    """``TaskRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def insert(self, rows: Sequence[Task]) -> None:
        insert_rows(self._link, tasks, [task_row(task) for task in rows])

    def fetch(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Task]:
        if not ids:
            return {}
        return {task.id: task for task in self._read([tasks.c.id.in_(self._link.ids(ids))], lock)}

    def of_deliveries(self, delivery_ids: Collection[str], *, lock: bool = False) -> list[Task]:
        if not delivery_ids:
            return []
        return self._read([text(predicates.FLYING), tasks.c.delivery_id.in_(self._link.ids(delivery_ids))], lock)

    def of_reports(self, task_ids: Collection[str], delivery_ids: Collection[str]) -> list[Task]:
        if self._link.is_postgresql:
            # The jobs of both at once: whoever locked those of the second later would not keep to the order.
            flying = and_(text(predicates.FLYING), tasks.c.delivery_id.in_(self._link.ids(delivery_ids)))
            lock_jobs_of(self._link, or_(tasks.c.id.in_(self._link.ids(task_ids)), flying))
        found = {task.id: task for task in self.of_deliveries(delivery_ids)}
        found |= self.fetch(set(task_ids) - found.keys())
        return sorted(found.values(), key=attrgetter("id"))

    def of_jobs(
        self, job_ids: Collection[str], states: Collection[TaskState] | None = None, *, lock: bool = False
    ) -> list[Task]:
        if not job_ids:
            return []
        criteria = [tasks.c.job_id.in_(self._link.ids(job_ids))]
        if states is not None:
            criteria.append(tasks.c.state.in_(sorted(state.value for state in states)))
        return self._read(criteria, lock)

    def first_failed(self, job_ids: Collection[str]) -> dict[str, Task]:
        found = self.fetch(first_failures(self._link, job_ids).values())
        return {task.job_id: task for task in found.values()}

    def write(self, changes: Sequence[TaskChange]) -> set[str]:
        return write_moves(self._link, changes)

    def settle(self, settlements: Sequence[Settlement]) -> list[Task]:
        touched = {row[0]: read_task(row) for row in count_down(self._link, settlements)}
        return sorted((task for task in touched.values() if task.waiting_on == 0), key=attrgetter("id"))

    def pick_ready(
        self,
        queue: str,
        now: float,
        limit: int,
        busy: Mapping[str, int],
        caps: Mapping[str, int],
        *,
        without_steps: Collection[str] = (),
        may_wait: bool = True,
    ) -> list[Task]:
        wanted = Wanted(queue, now, frozenset(without_steps))
        return [read_task(row) for row in pick_ready(self._link, wanted, limit, busy, caps, may_wait=may_wait)]

    def count_in_flight(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        grouped = (tasks.c.owner_id, tasks.c.queue, tasks.c.step, tasks.c.state)
        statement = select(*grouped, func.count()).where(text(predicates.FLYING)).group_by(*grouped)
        by_owner: Counter[str] = Counter()
        enqueued: Counter[tuple[str, str]] = Counter()
        for owner_id, queue, step, state, count in self._link.run(statement):
            by_owner[owner_id] += count
            if state == TaskState.ENQUEUED.value:
                enqueued[queue, step] += count
        return dict(by_owner), dict(enqueued)

    def count_ready(self, queue: str, least_priority: int, now: float) -> dict[tuple[int, str], int]:
        statement = (
            select(tasks.c.priority, tasks.c.owner_id, func.count())
            .where(*_is_due(queue, now), tasks.c.priority >= least_priority)
            .group_by(tasks.c.priority, tasks.c.owner_id)
        )
        return {(priority, owner_id): count for priority, owner_id, count in self._link.run(statement)}

    def count_ready_before(self, task: Task, now: float) -> int:
        same = (tasks.c.priority == task.priority, tasks.c.owner_id == task.owner_id, tasks.c.id < task.id)
        return paging.count_rows(self._link, tasks, [*_is_due(task.queue, now), *same])

    def unclaimed(self, enqueued_before: float, limit: int) -> list[Task]:
        return self._flying(
            limit,
            tasks.c.state == TaskState.ENQUEUED.value,
            tasks.c.lease_expires_at.is_(None),
            tasks.c.enqueued_at < enqueued_before,
        )

    def lapsed(self, now: float, limit: int) -> list[Task]:
        return self._flying(limit, tasks.c.lease_expires_at < now)

    def page(self, where: TaskFilter, page: Page) -> list[Task]:
        # One range of an index per state: also a list of several states, or of all, is read in its order.
        states = where.states if where.states is not None or where.job_id is None else tuple(TaskState)
        branches = [[]] if states is None else [[_is_in_state(state)] for state in dict.fromkeys(states)]
        rows = paging.page_by_id(self._link, tasks, _criteria(where), page, branches)
        return [read_task(row) for row in rows]

    def count(self, where: TaskFilter) -> int:
        criteria = _criteria(where)
        if where.states is not None:
            criteria.append(tasks.c.state.in_([state.value for state in where.states]))
        return paging.count_rows(self._link, tasks, criteria)

    def _flying(self, limit: int, *criteria: ColumnElement[bool]) -> list[Task]:
        statement = select(tasks).where(text(predicates.FLYING), *criteria)
        rows = self._link.run(statement.order_by(tasks.c.enqueued_at, tasks.c.id).limit(limit))
        return [read_task(row) for row in rows]

    def _read(self, criteria: Sequence[Any], lock: bool) -> list[Task]:
        statement = select(tasks).where(*criteria).order_by(tasks.c.id)
        if lock:
            lock_jobs_of(self._link, *criteria)
            statement = statement.with_for_update()
        return [read_task(row) for row in self._link.run(statement)]


def _is_due(queue: str, now: float) -> list[ColumnElement[bool]]:
    return [text(predicates.READY), tasks.c.queue == queue, tasks.c.not_before <= now]  # type: ignore[list-item]


def _is_in_state(state: TaskState) -> ColumnElement[bool]:
    # With a literal, so that SQLite knows the index of failed tasks.
    return tasks.c.state == literal_column(f"'{state.value}'")


def _criteria(where: TaskFilter) -> list[ColumnElement[bool]]:
    names = ("owner_id", "job_id", "step", "node", "file_id")
    return paging.equalities(tasks, {name: getattr(where, name) for name in names})
