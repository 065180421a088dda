"""Rows that contradict each other, found by the database: each query gives what is wrong and nothing else.

Every query is spelled so that both databases run it, walks along indexes, and is cut off at a number of differences:
a million tasks cost seconds and no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, exists, func, or_, select, text, true

from jobengine.domain.audit import Difference, Invariant, JobFold, NamedBytes, WaitingNode
from jobengine.domain.records import Counts
from jobengine.domain.states import FINAL_STATES, TaskState
from jobengine.store.bulk import Link
from jobengine.store.contradictions import CONTRADICTIONS
from jobengine.store.jobs import read_job
from jobengine.store.tables import artifacts, files, jobs, tasks

_UNFINISHED = tuple(state.value for state in TaskState if state not in FINAL_STATES)
_WITHOUT_SUCCESS = (TaskState.FAILED.value, TaskState.CANCELED.value)
_NAMING: dict[str, Table] = {"file": files, "artifact": artifacts}


class SqlAudit:
    """``AuditRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def contradictions(self, lease_floor: float, most: int) -> Iterator[Difference]:
        for invariant, query in CONTRADICTIONS:
            given = {"lease_floor": lease_floor} if ":lease_floor" in query else {}
            rows = self._link.run(text(f"{query} LIMIT :most"), most=most, **given)
            for subject_id, expected, found in rows:
                yield Difference(invariant, str(subject_id), str(expected), str(found))

    def folds(self, after_id: str, limit: int) -> list[JobFold]:
        chosen = select(jobs.c.id).where(jobs.c.id > after_id).order_by(jobs.c.id).limit(limit)
        rows = self._link.run(select(jobs).where(jobs.c.id.in_(chosen)).order_by(jobs.c.id)).all()
        sums = {row[0]: row[1:] for row in self._link.run(_sums([row.id for row in rows], self._link))}
        return [_fold(row, sums.get(row.id)) for row in rows]

    def waiting_nodes(self) -> list[WaitingNode]:
        waiting = select(tasks.c.job_id, tasks.c.node).where(tasks.c.state == TaskState.WAITING.value).distinct()
        at = waiting.subquery()
        places = select(jobs.c.pipeline_id, at.c.node).join_from(at, jobs, jobs.c.id == at.c.job_id).distinct()
        return [WaitingNode(*row) for row in self._link.run(places.order_by(jobs.c.pipeline_id, at.c.node))]

    def miscounted(self, place: WaitingNode, before: Sequence[str], most: int) -> list[Difference]:
        rows: list[Any] = []
        for has_file in (False, True):
            rows += self._link.run(_miscounted(place, before, has_file).limit(most - len(rows))).all()
        return [
            Difference(
                Invariant.WAITING,
                row.id,
                f"{row.unfinished} unfinished and {row.without_success} without success of its predecessors",
                f"waiting_on {row.waiting_on}, unmet {row.unmet}",
            )
            for row in rows
        ]

    def named_bytes(self, kind: str, after_sha256: str, limit: int) -> list[NamedBytes]:
        table = _NAMING[kind]
        sizes = (func.min(table.c.size_bytes), func.max(table.c.size_bytes))
        statement = (
            select(table.c.sha256, *sizes, func.min(table.c.id))
            .where(table.c.sha256 > after_sha256)
            .group_by(table.c.sha256)
            .order_by(table.c.sha256)
            .limit(limit)
        )
        return [NamedBytes(*row) for row in self._link.run(statement)]

    def is_named(self, sha256: str) -> bool:
        named = [exists().where(table.c.sha256 == sha256) for table in _NAMING.values()]
        return bool(self._link.run(select(or_(*named))).scalar_one())


def _sums(job_ids: Sequence[str], link: Link) -> Select[Any]:
    counts = [func.count().filter(tasks.c.state == state.value) for state in TaskState]
    return (
        select(tasks.c.job_id, *counts, func.sum(tasks.c.progress), func.max(tasks.c.started_at))
        .where(tasks.c.job_id.in_(link.ids(job_ids)))
        .group_by(tasks.c.job_id)
    )


def _fold(row: Any, sums: Sequence[Any] | None) -> JobFold:
    if sums is None:
        return JobFold(read_job(row), Counts(), 0, has_started_task=False)
    *counts, progress, started_at = sums
    return JobFold(read_job(row), Counts(*counts), int(progress), has_started_task=started_at is not None)


def _miscounted(place: WaitingNode, before: Sequence[str], has_file: bool) -> Select[Any]:
    """The waiting tasks of a node whose counts are not those of their predecessors, those on a file or those on none.

    A task on a file comes after the tasks on the same file and those on none; a task on none comes after all.
    """
    earlier = tasks.alias("earlier")

    def count(states: Sequence[str]) -> ColumnElement[int]:
        there = select(func.count()).where(
            earlier.c.job_id == tasks.c.job_id, earlier.c.node.in_(before), earlier.c.state.in_(states)
        )
        # Two ranges of one index, not one condition with OR, which would read the whole node for each task.
        on = (earlier.c.file_id == tasks.c.file_id, earlier.c.file_id.is_(None)) if has_file else (true(),)
        first, *rest = (there.where(one).correlate(tasks).scalar_subquery() for one in on)
        return sum(rest, start=first)

    found = (
        select(
            tasks.c.id,
            tasks.c.waiting_on,
            tasks.c.unmet,
            count(_UNFINISHED).label("unfinished"),
            count(_WITHOUT_SUCCESS).label("without_success"),
        )
        .join_from(jobs, tasks, tasks.c.job_id == jobs.c.id)
        .where(jobs.c.pipeline_id == place.pipeline_id, tasks.c.node == place.node)
        .where(
            tasks.c.state == TaskState.WAITING.value,
            tasks.c.file_id.is_not(None) if has_file else tasks.c.file_id.is_(None),
        )
        .subquery()
    )
    is_wrong = or_(
        found.c.waiting_on != found.c.unfinished,
        found.c.unmet != found.c.without_success,
        found.c.unfinished == 0,
    )
    return select(found).where(is_wrong)
