"""The rows that tasks leave behind: results, artifacts, ended attempts and logs."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, select

from jobengine.domain.filters import Page, ResultFilter
from jobengine.domain.interfaces.result_rows import Place
from jobengine.domain.records import Artifact, Attempt, LogLine, Result
from jobengine.domain.states import FailureKind
from jobengine.store import paging
from jobengine.store.bulk import Link, encode_json, incoming, insert_rows
from jobengine.store.job_details import newest_results
from jobengine.store.tables import artifacts, attempts, results, task_logs, tasks

_LOG_COLUMNS = ("task_id", "attempt", "at", "text")


def read_result(row: Sequence[Any]) -> Result:
    """The result that a whole row of the table is."""
    values = list(row)
    values[7] = json.loads(values[7])
    return Result(*values)


def read_attempt(row: Sequence[Any]) -> Attempt:
    """The attempt that a whole row of the table is."""
    values = list(row)
    values[4] = bool(values[4])
    values[10] = FailureKind(values[10]) if values[10] else None
    return Attempt(*values)


class SqlResults:
    """``ResultRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def insert(self, new: Sequence[Result], made: Sequence[Artifact]) -> None:
        insert_rows(self._link, results, [_result_row(result) for result in new])
        insert_rows(self._link, artifacts, [_artifact_row(artifact) for artifact in made])

    def fetch(self, ids: Collection[str]) -> dict[str, Result]:
        if not ids:
            return {}
        statement = select(results).where(results.c.id.in_(self._link.ids(ids)))
        return {row[0]: read_result(row) for row in self._link.run(statement)}

    def page(self, where: ResultFilter, page: Page) -> list[Result]:
        steps = [[]] if where.steps is None else [[results.c.step == step] for step in dict.fromkeys(where.steps)]
        rows = paging.page_by_id(self._link, results, self._criteria(where), page, steps)
        return [read_result(row) for row in rows]

    def count(self, where: ResultFilter) -> int:
        criteria = self._criteria(where)
        if where.steps is not None:
            criteria.append(results.c.step.in_(where.steps))
        return paging.count_rows(self._link, results, criteria)

    def ids_of_job(self, job_id: str) -> list[str]:
        statement = select(results.c.id).where(results.c.job_id == job_id).order_by(results.c.id)
        return list(self._link.run(statement).scalars())

    def newest_ids(self, job_ids: Collection[str]) -> dict[str, str]:
        return newest_results(self._link, job_ids)

    def of_places(self, places: Collection[Place]) -> dict[Place, list[Result]]:
        found: dict[Place, list[Result]] = {}
        on_files = [place for place in set(places) if place[2] is not None]
        on_nodes = [place for place in set(places) if place[2] is None]
        for build, wanted in ((_places_statement, on_files), (_nodes_statement, on_nodes)):
            for job_id, node, file_id, *row in self._link.run_bulk(build, wanted):
                found.setdefault((job_id, node, file_id), []).append(read_result(row))
        for made in found.values():
            made.sort(key=lambda result: result.id)
        return found

    def artifacts(
        self,
        *,
        job_ids: Collection[str] | None = None,
        result_ids: Collection[str] | None = None,
        ids: Collection[str] | None = None,
    ) -> list[Artifact]:
        wanted = ((artifacts.c.job_id, job_ids), (artifacts.c.result_id, result_ids), (artifacts.c.id, ids))
        criteria = [column.in_(self._link.ids(values)) for column, values in wanted if values is not None]
        statement = select(artifacts).where(*criteria).order_by(artifacts.c.id)
        return [Artifact(*tuple(row)) for row in self._link.run(statement)]

    def insert_attempts(self, ended: Sequence[Attempt]) -> None:
        insert_rows(self._link, attempts, [_attempt_row(attempt) for attempt in ended])

    def attempts(self, task_ids: Collection[str]) -> list[Attempt]:
        statement = select(attempts).where(attempts.c.task_id.in_(self._link.ids(task_ids)))
        ordered = statement.order_by(attempts.c.task_id, attempts.c.number)
        return [read_attempt(row) for row in self._link.run(ordered)]

    def insert_logs(self, lines: Sequence[LogLine]) -> None:
        insert_rows(
            self._link, task_logs, [(line.task_id, line.attempt, line.at, line.text) for line in lines], _LOG_COLUMNS
        )

    def logs(self, task_id: str, *, attempt: int | None = None) -> list[LogLine]:
        columns = [task_logs.c[name] for name in _LOG_COLUMNS]
        statement = select(*columns).where(task_logs.c.task_id == task_id)
        if attempt is not None:
            statement = statement.where(task_logs.c.attempt == attempt)
        return [LogLine(*row) for row in self._link.run(statement.order_by(task_logs.c.attempt, task_logs.c.id))]

    def _criteria(self, where: ResultFilter) -> list[ColumnElement[bool]]:
        names = ("owner_id", "job_id", "file_id", "kind")
        criteria = paging.equalities(results, {name: getattr(where, name) for name in names})
        if where.task_ids is not None:
            criteria.append(results.c.task_id.in_(self._link.ids(where.task_ids)))
        return criteria


def _result_row(result: Result) -> tuple[Any, ...]:
    return (
        result.id,
        result.job_id,
        result.task_id,
        result.owner_id,
        result.kind,
        result.step,
        result.file_id,
        encode_json(result.data),
        result.created_at,
    )


def _artifact_row(artifact: Artifact) -> tuple[Any, ...]:
    return (
        artifact.id,
        artifact.job_id,
        artifact.task_id,
        artifact.result_id,
        artifact.owner_id,
        artifact.name,
        artifact.media_type,
        artifact.size_bytes,
        artifact.sha256,
        artifact.created_at,
    )


def _attempt_row(attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.task_id,
        attempt.number,
        attempt.job_id,
        attempt.outcome,
        attempt.accepted,
        attempt.delivery_id,
        attempt.worker,
        attempt.enqueued_at,
        attempt.started_at,
        attempt.finished_at,
        attempt.failure_kind and attempt.failure_kind.value,
        attempt.message,
        attempt.traceback,
        attempt.cpu_seconds,
        attempt.peak_memory_bytes,
    )


@lru_cache(maxsize=2)
def _places_statement(is_postgresql: bool) -> Executable:
    given = incoming([tasks.c.job_id, tasks.c.node, tasks.c.file_id], is_postgresql)
    return (
        select(given.c.job_id, given.c.node, given.c.file_id, *results.c)
        .join_from(given, tasks, (tasks.c.job_id == given.c.job_id) & (tasks.c.node == given.c.node))
        .join(results, results.c.task_id == tasks.c.id)
        .where(tasks.c.file_id == given.c.file_id)
    )


@lru_cache(maxsize=2)
def _nodes_statement(is_postgresql: bool) -> Executable:
    given = incoming([tasks.c.job_id, tasks.c.node, tasks.c.file_id], is_postgresql)
    return (
        select(given.c.job_id, given.c.node, given.c.file_id, *results.c)
        .join_from(given, tasks, (tasks.c.job_id == given.c.job_id) & (tasks.c.node == given.c.node))
        .join(results, results.c.task_id == tasks.c.id)
    )
