"""The job rows: counts and states in bulk, requests that were answered, and removal."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Text, case, column, delete, func, insert, select, true, update

from jobengine.domain.errors import conflict
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.job_rows import JobDelta
from jobengine.domain.records import BatchCounts, Counts, Job
from jobengine.domain.states import JobState, TaskState
from jobengine.store import job_details, job_lists
from jobengine.store.batch_counts import count_in_batches
from jobengine.store.bulk import Link, chunks, encode_json, incoming, insert_rows, storable, upsert
from jobengine.store.row_locks import lock_jobs
from jobengine.store.search import search_text
from jobengine.store.statistics import Statistics
from jobengine.store.tables import artifacts, attempts, files, job_files, job_labels, jobs, requests, results, task_logs
from jobengine.store.tables import tasks as task_table

_STATES = tuple(state.value for state in TaskState)
_COUNTED = slice(7, 7 + len(_STATES))
"""Where a row has the counts by state; a job has them as one value."""
_GIVEN = tuple(column.name for column in jobs.c if column.name != "row")


def job_row(job: Job) -> tuple[Any, ...]:
    """The values of a job in the order of the table's columns, but for the row's number."""
    return (
        job.id,
        job.owner_id,
        job.name,
        job.pipeline_id,
        job.pipeline_name,
        job.pipeline_version,
        job.state.value,
        *(job.counts.of(state) for state in TaskState),
        job.progress,
        job.priority,
        job.created_at,
        encode_json(job.parameters),
        encode_json(job.labels),
        job.tolerated_failures,
        job.parent_id,
        job.retry_of,
        job.batch_id,
        job.started_at,
        job.finished_at,
        job.canceled_at,
        search_text(job.name, job.id),
    )


def read_job(row: Sequence[Any]) -> Job:
    """The job that a whole row of the table is; the last two columns are for the search alone."""
    values = list(row[:-2])
    values[_COUNTED] = [Counts(*values[_COUNTED])]
    values[6] = JobState(values[6])
    values[11], values[12] = json.loads(values[11]), json.loads(values[12])
    return Job(*values)


class SqlJobs:
    """``JobRows`` on one connection."""

    def __init__(self, link: Link, statistics: Statistics) -> None:
        self._link = link
        self._statistics = statistics

    def insert(self, new: Sequence[Job], file_ids: Mapping[str, Sequence[str]]) -> None:
        insert_rows(self._link, jobs, [job_row(job) for job in new], _GIVEN)
        labels = [(job.id, name, value) for job in new for name, value in job.labels.items()]
        insert_rows(self._link, job_labels, labels)
        placed = [(job_id, place, file_id) for job_id, ids in file_ids.items() for place, file_id in enumerate(ids)]
        self._run(_insert_files_statement, placed)
        for job in new:
            self._statistics.add(job.owner_id, job.pipeline_name, job.state, 1)

    def newest_id(self) -> str | None:
        newest: str | None = self._link.run(select(func.max(jobs.c.id))).scalar_one()
        return newest

    def fetch(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Job]:
        if not ids:
            return {}
        statement = select(jobs).where(jobs.c.id.in_(self._link.ids(ids))).order_by(jobs.c.id)
        rows = self._link.run(statement.with_for_update() if lock else statement)
        return {row[0]: read_job(row) for row in rows}

    def file_ids(self, job_id: str) -> list[str]:
        statement = select(job_files.c.file_id).where(job_files.c.job_id == job_id).order_by(job_files.c.position)
        return list(self._link.run(statement).scalars())

    def files(self, job_ids: Collection[str]) -> dict[str, list[tuple[str, str | None]]]:
        return job_details.files_of(self._link, job_ids)

    def children(self, job_ids: Collection[str]) -> dict[str, list[str]]:
        return job_details.children_of(self._link, job_ids)

    def add_deltas(self, deltas: Sequence[JobDelta]) -> list[Job]:
        rows = _delta_rows(deltas)
        lock_jobs(self._link, self._link.ids(row[0] for row in rows))
        found = [read_job(row) for row in self._link.run_bulk(_delta_statement, rows)]
        return sorted(found, key=lambda job: job.id)

    def write(self, changes: Sequence[tuple[Job, Job]]) -> set[str]:
        rows = [
            (
                before.id,
                before.state.value,
                after.state.value,
                after.finished_at,
                after.canceled_at,
                after.name,
                search_text(after.name, after.id),
            )
            for before, after in sorted(changes, key=lambda change: change[0].id)
        ]
        moved = {identifier for (identifier,) in self._link.run_bulk(_write_statement, rows)}
        for before, after in changes:
            if before.id in moved and before.state is not after.state:
                self._statistics.add(before.owner_id, before.pipeline_name, before.state, -1)
                self._statistics.add(before.owner_id, before.pipeline_name, after.state, 1)
        return moved

    def page(self, where: JobFilter, page: Page) -> list[Job]:
        return [read_job(row) for row in job_lists.page_jobs(self._link, where, page)]

    def timed_out(self, ids: Collection[str]) -> set[str]:
        return job_lists.timed_out_jobs(self._link, ids)

    def count(self, where: JobFilter) -> int:
        if where.timed_out is False:
            # Few jobs run out of time, and how many there are in all is often known.
            return self.count(replace(where, timed_out=None)) - self._count_timed_out(where)
        if job_lists.is_counted_by_state(where):
            return self._statistics.count(where.owner_id, where.pipeline_name, where.states)
        return job_lists.count_jobs(self._link, where)

    def count_in_batches(self, batch_ids: Collection[str]) -> dict[str, BatchCounts]:
        return count_in_batches(self._link, batch_ids)

    def statistics(self, owner_id: str | None) -> dict[tuple[str, JobState], int]:
        return self._statistics.read(owner_id)

    def delete(self, ids: Collection[str]) -> int:
        return sum(self._delete(chunk) for chunk in chunks(sorted(set(ids))))

    def recall_request(self, owner_id: str, idempotency_key: str) -> tuple[str, str] | None:
        statement = select(requests.c.body_digest, requests.c.answer).where(
            requests.c.owner_id == owner_id, requests.c.idempotency_key == storable(idempotency_key)
        )
        row = self._link.run(statement).first()
        return (row.body_digest, row.answer) if row else None

    def remember_request(
        self, owner_id: str, idempotency_key: str, body_digest: str, answer: str, expires_at: float
    ) -> None:
        row = (owner_id, idempotency_key, body_digest, answer, expires_at)
        if not list(self._link.run_bulk(_remember_statement, [row])):
            raise conflict("This Idempotency-Key is taken.", "Idempotency-Key")

    def forget_requests(self, now: float) -> int:
        return self._link.run(delete(requests).where(requests.c.expires_at < now)).rowcount

    def _count_timed_out(self, where: JobFilter) -> int:
        states = (JobState.FAILED,) if where.states is None or JobState.FAILED in where.states else ()
        return job_lists.count_jobs(self._link, replace(where, states=states, timed_out=True))

    def _run(self, build: Any, rows: Sequence[Sequence[Any]]) -> None:
        for _ in self._link.run_bulk(build, rows):
            pass

    def _delete(self, ids: Sequence[str]) -> int:
        these = self._link.ids(ids)
        gone = self._link.run(
            delete(jobs).where(jobs.c.id.in_(these)).returning(jobs.c.owner_id, jobs.c.pipeline_name, jobs.c.state)
        ).all()
        for owner_id, pipeline_name, state in gone:
            self._statistics.add(owner_id, pipeline_name, JobState(state), -1)
        of_tasks = select(task_table.c.id).where(task_table.c.job_id.in_(these))
        self._link.run(delete(task_logs).where(task_logs.c.task_id.in_(of_tasks)))
        for table in (artifacts, results, attempts, task_table, job_files, job_labels):
            self._link.run(delete(table).where(table.c.job_id.in_(these)))
        return len(gone)


def _delta_rows(deltas: Sequence[JobDelta]) -> list[tuple[Any, ...]]:
    # An UPDATE takes one row per target, so what concerns the same job is added up before.
    counts: dict[str, list[int]] = {}
    started: dict[str, float] = {}
    for delta in deltas:
        sums = counts.setdefault(delta.job_id, [0] * (len(_STATES) + 1))
        for index, state in enumerate(TaskState):
            sums[index] += delta.counts.get(state, 0)
        sums[-1] += delta.progress
        if delta.started_at is not None:
            started[delta.job_id] = min(delta.started_at, started.get(delta.job_id, delta.started_at))
    return [(job_id, *sums, started.get(job_id)) for job_id, sums in sorted(counts.items())]


@lru_cache(maxsize=2)
def _delta_statement(is_postgresql: bool) -> Executable:
    summed = (*_STATES, "progress")
    given = incoming([jobs.c.id, *(jobs.c[name] for name in summed), jobs.c.started_at], is_postgresql)
    is_earlier = given.c.started_at < func.coalesce(jobs.c.started_at, given.c.started_at + 1.0)
    values: dict[str, Any] = {name: jobs.c[name] + given.c[name] for name in summed}
    values["started_at"] = case((is_earlier, given.c.started_at), else_=jobs.c.started_at)
    return update(jobs).where(jobs.c.id == given.c.id).values(values).returning(*jobs.c)


@lru_cache(maxsize=2)
def _write_statement(is_postgresql: bool) -> Executable:
    written = ("state", "finished_at", "canceled_at", "name", "search")
    given = incoming([jobs.c.id, column("state_before", Text), *(jobs.c[name] for name in written)], is_postgresql)
    return (
        update(jobs)
        .where(jobs.c.id == given.c.id, jobs.c.state == given.c.state_before)
        .values({name: given.c[name] for name in written})
        .returning(jobs.c.id)
    )


@lru_cache(maxsize=2)
def _insert_files_statement(is_postgresql: bool) -> Executable:
    names = ("job_id", "position", "file_id")
    given = incoming([job_files.c[name] for name in names], is_postgresql)
    sha256 = select(files.c.sha256).where(files.c.id == given.c.file_id).scalar_subquery()
    return insert(job_files).from_select([*names, "sha256"], select(*given.c, sha256).where(true()))


@lru_cache(maxsize=2)
def _remember_statement(is_postgresql: bool) -> Executable:
    given = incoming(requests.c, is_postgresql)
    kept = upsert(requests, is_postgresql).from_select(requests.c.keys(), select(*given.c).where(true()))
    statement: Executable = kept.on_conflict_do_nothing().returning(requests.c.idempotency_key)
    return statement
