"""What many jobs have around them, each found in one statement: files, children, newest results, first failures."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import func, select

from jobengine.domain.states import TaskState
from jobengine.store.bulk import Link
from jobengine.store.tables import job_files, jobs, results, tasks


def files_of(link: Link, job_ids: Collection[str]) -> dict[str, list[tuple[str, str | None]]]:
    """The files of each job in order: ID, and hash of the contents."""
    columns = (job_files.c.job_id, job_files.c.file_id, job_files.c.sha256)
    statement = select(*columns).where(job_files.c.job_id.in_(link.ids(job_ids)))
    found: dict[str, list[tuple[str, str | None]]] = {}
    for job_id, file_id, sha256 in link.run(statement.order_by(job_files.c.job_id, job_files.c.position)):
        found.setdefault(job_id, []).append((file_id, sha256))
    return found


def children_of(link: Link, job_ids: Collection[str]) -> dict[str, list[str]]:
    """The jobs that name these as their parent, oldest first."""
    statement = select(jobs.c.parent_id, jobs.c.id).where(jobs.c.parent_id.in_(link.ids(job_ids)))
    found: dict[str, list[str]] = {}
    for parent_id, job_id in link.run(statement.order_by(jobs.c.parent_id, jobs.c.id)):
        found.setdefault(parent_id, []).append(job_id)
    return found


def newest_results(link: Link, job_ids: Collection[str]) -> dict[str, str]:
    """The ID of the newest result of each job that has one."""
    statement = select(results.c.job_id, func.max(results.c.id)).where(results.c.job_id.in_(link.ids(job_ids)))
    return _pairs(link.run(statement.group_by(results.c.job_id)))


def first_failures(link: Link, job_ids: Collection[str]) -> dict[str, str]:
    """The ID of the oldest failed task of each job that has one."""
    statement = select(tasks.c.job_id, func.min(tasks.c.id)).where(
        tasks.c.job_id.in_(link.ids(job_ids)), tasks.c.state == TaskState.FAILED.value
    )
    return _pairs(link.run(statement.group_by(tasks.c.job_id)))


def _pairs(rows: Iterable[Any]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}
