"""The catalog rows: steps, pipelines and workers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Table, delete, func, or_, select, true, update

from jobengine.domain.filters import Page
from jobengine.domain.records import Node, Pipeline, PipelineState, RetryPolicy, Scope, StepSpec, WorkerRecord
from jobengine.store import paging
from jobengine.store.bulk import Link, encode_json, incoming, upsert
from jobengine.store.row_locks import lock_rows
from jobengine.store.tables import pipelines, steps, workers

STALE_SECONDS = 60.0
"""A version that was not announced for so long, while another one was, has been replaced."""


class SqlCatalog:
    """``CatalogRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def put_steps(self, specs: Sequence[StepSpec], now: float) -> None:
        known = {(row.name, row.version): row for row in self._link.run(select(steps))}
        rows = {
            (spec.name, spec.version): (spec.name, spec.version, encode_json(asdict(spec)), now, now) for spec in specs
        }
        self._put(_put_steps_statement, [rows[key] for key in sorted(rows) if _is_news(rows[key], known.get(key))])

    def steps(self) -> dict[str, StepSpec]:
        versions: dict[str, list[Any]] = {}
        for row in self._link.run(select(steps)):
            versions.setdefault(row.name, []).append(row)
        return {name: _read_step(_newest(rows).spec) for name, rows in sorted(versions.items())}

    def put_pipelines(self, new: Sequence[Pipeline]) -> None:
        rows = {pipeline.id: _pipeline_row(pipeline) for pipeline in new}
        self._put(_put_pipelines_statement, [rows[key] for key in sorted(rows)])

    def pipelines(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Pipeline]:
        if not ids:
            return {}
        statement = select(pipelines).where(pipelines.c.id.in_(self._link.ids(ids))).order_by(pipelines.c.id)
        rows = self._link.run(statement.with_for_update() if lock else statement)
        return {row[0]: read_pipeline(row) for row in rows}

    def find_pipeline(self, owner_id: str | None, name: str, version: int | None = None) -> Pipeline | None:
        wanted = (
            pipelines.c.state == PipelineState.PUBLISHED.value if version is None else pipelines.c.version == version
        )
        # The owner's own pipeline hides a built-in one of the same name.
        for owner in dict.fromkeys((owner_id, None)):
            statement = select(pipelines).where(
                func.coalesce(pipelines.c.owner_id, "") == (owner or ""),
                *paging.equalities(pipelines, {"name": name}),
                wanted,
            )
            row = self._link.run(statement.order_by(pipelines.c.version.desc()).limit(1)).first()
            if row is not None:
                return read_pipeline(row)
        return None

    def page_pipelines(self, owner_id: str | None, page: Page) -> list[Pipeline]:
        visible = [] if owner_id is None else [or_(pipelines.c.owner_id == owner_id, pipelines.c.owner_id.is_(None))]
        return [read_pipeline(row) for row in paging.page_by_id(self._link, pipelines, visible, page)]

    def put_workers(self, announced: Sequence[WorkerRecord]) -> None:
        rows = {worker.id: _worker_row(worker) for worker in announced}
        self._put(_put_workers_statement, [rows[key] for key in sorted(rows)])

    def touch_workers(self, last_seen: Mapping[str, float]) -> None:
        lock_rows(self._link, workers, last_seen)
        self._put(_touch_workers_statement, sorted(last_seen.items()))

    def workers(self) -> list[WorkerRecord]:
        return [_read_worker(row) for row in self._link.run(select(workers).order_by(workers.c.id))]

    def forget_workers(self, seen_before: float) -> int:
        stale = list(self._link.run(select(workers.c.id).where(workers.c.last_seen_at < seen_before)).scalars())
        lock_rows(self._link, workers, stale)
        gone = delete(workers).where(workers.c.id.in_(self._link.ids(stale)), workers.c.last_seen_at < seen_before)
        return self._link.run(gone).rowcount

    def _put(self, build: Any, rows: Sequence[Sequence[Any]]) -> None:
        for _ in self._link.run_bulk(build, rows):
            pass


def read_pipeline(row: Sequence[Any]) -> Pipeline:
    """The pipeline that a whole row of the table is."""
    values = list(row)
    values[4] = PipelineState(values[4])
    values[7] = tuple(_read_node(node) for node in json.loads(values[7]))
    return Pipeline(*values)


def _read_node(data: Mapping[str, Any]) -> Node:
    return Node(
        key=data["key"],
        step=data["step"],
        after=tuple(data["after"]),
        from_parent=tuple(data["from_parent"]),
        parameters=data["parameters"],
    )


def _pipeline_row(pipeline: Pipeline) -> tuple[Any, ...]:
    return (
        pipeline.id,
        pipeline.owner_id,
        pipeline.name,
        pipeline.version,
        pipeline.state.value,
        pipeline.title,
        pipeline.description,
        encode_json([asdict(node) for node in pipeline.nodes]),
        pipeline.created_at,
        pipeline.published_at,
    )


def _newest(rows: Sequence[Any]) -> Any:
    """The version that workers took up last, among those that workers still have.

    What was announced first decides, not what was announced last: in a rolling upgrade old and new workers go on
    announcing side by side. After a step back the newer version falls silent, and the older one counts again.
    """
    silent_since = max(row.announced_at for row in rows) - STALE_SECONDS
    alive = [row for row in rows if row.announced_at >= silent_since]
    return max(alive, key=lambda row: (row.first_announced_at, row.version))


def _is_news(row: Sequence[Any], known: Any) -> bool:
    """Whether a version is to be written: not when all workers say it every few seconds, but before it seems silent."""
    return known is None or row[2] != known.spec or abs(row[4] - known.announced_at) > STALE_SECONDS / 2


def _read_step(text: str) -> StepSpec:
    fields = json.loads(text)
    fields.update(scope=Scope(fields["scope"]), retry=RetryPolicy(**fields["retry"]), accepts=tuple(fields["accepts"]))
    return StepSpec(**fields)


def _worker_row(worker: WorkerRecord) -> tuple[Any, ...]:
    return (
        worker.id,
        worker.hostname,
        worker.slots,
        encode_json(worker.queues),
        encode_json(worker.steps),
        encode_json(worker.hardware),
        worker.announced_at,
        worker.last_seen_at,
    )


def _read_worker(row: Sequence[Any]) -> WorkerRecord:
    values = list(row)
    values[3:6] = tuple(json.loads(values[3])), tuple(json.loads(values[4])), json.loads(values[5])
    return WorkerRecord(*values)


def _put_statement(table: Table, changed: Sequence[str], is_postgresql: bool) -> Executable:
    given = incoming(table.c, is_postgresql)
    keys = [column.name for column in table.primary_key]
    put = upsert(table, is_postgresql).from_select(
        _names(table), select(*given.c).where(true()).order_by(*(given.c[key] for key in keys))
    )
    statement: Executable = put.on_conflict_do_update(
        index_elements=keys, set_={name: put.excluded[name] for name in changed}
    )
    return statement


@lru_cache(maxsize=2)
def _put_steps_statement(is_postgresql: bool) -> Executable:
    return _put_statement(steps, ("spec", "announced_at"), is_postgresql)


@lru_cache(maxsize=2)
def _put_pipelines_statement(is_postgresql: bool) -> Executable:
    return _put_statement(pipelines, [name for name in _names(pipelines) if name != "id"], is_postgresql)


@lru_cache(maxsize=2)
def _put_workers_statement(is_postgresql: bool) -> Executable:
    return _put_statement(workers, [name for name in _names(workers) if name != "id"], is_postgresql)


@lru_cache(maxsize=2)
def _touch_workers_statement(is_postgresql: bool) -> Executable:
    given = incoming([workers.c.id, workers.c.last_seen_at], is_postgresql)
    touched = update(workers).where(workers.c.id == given.c.id, workers.c.last_seen_at < given.c.last_seen_at)
    return touched.values(last_seen_at=given.c.last_seen_at)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.c]
