"""The file rows, and what the bytes behind them add up to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, delete, exists, func, or_, select, true, union_all

from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.records import File
from jobengine.domain.states import JobState
from jobengine.store import paging
from jobengine.store.bulk import Link, incoming, insert_rows, upsert
from jobengine.store.search import contains, search_text
from jobengine.store.tables import artifacts, files, job_files, jobs, orphans, owners

OPEN_STATES = tuple(state.value for state in JobState if not state.is_final)


def read_file(row: Sequence[Any]) -> File:
    """The file that a whole row of the table is; the last column is for the search alone."""
    return File._make(row[:-1])


class SqlFiles:
    """``FileRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def insert(self, new: Sequence[File]) -> None:
        insert_rows(self._link, files, [(*file, search_text(file.name, file.id)) for file in new])

    def fetch(self, ids: Collection[str]) -> dict[str, File]:
        if not ids:
            return {}
        statement = select(files).where(files.c.id.in_(self._link.ids(ids)))
        return {row[0]: read_file(row) for row in self._link.run(statement)}

    def page(self, where: FileFilter, page: Page) -> list[File]:
        return [read_file(row) for row in paging.page_by_id(self._link, files, self._criteria(where), page)]

    def count(self, where: FileFilter) -> int:
        return paging.count_rows(self._link, files, self._criteria(where))

    def first_of_jobs(self, job_ids: Collection[str]) -> dict[str, File]:
        is_first = (job_files.c.position == 0) & job_files.c.job_id.in_(self._link.ids(job_ids))
        statement = select(job_files.c.job_id, *files.c).join_from(job_files, files, files.c.id == job_files.c.file_id)
        return {row[0]: read_file(row[1:]) for row in self._link.run(statement.where(is_first))}

    def folders(self, owner_id: str | None) -> list[tuple[str, float]]:
        criteria = paging.equalities(files, {"owner_id": owner_id})
        statement = select(files.c.folder, func.min(files.c.created_at)).where(*criteria)
        grouped = statement.group_by(files.c.folder).order_by(files.c.folder)
        return [(name, created_at) for name, created_at in self._link.run(grouped)]

    def stored_bytes(self, owner_id: str) -> int:
        contents = union_all(
            *(
                select(table.c.sha256, table.c.size_bytes).where(table.c.owner_id == owner_id)
                for table in (files, artifacts)
            )
        ).subquery()
        distinct = select(func.max(contents.c.size_bytes).label("size_bytes")).group_by(contents.c.sha256).subquery()
        return int(self._link.run(select(func.coalesce(func.sum(distinct.c.size_bytes), 0))).scalar_one())

    def hold(self, owner_id: str, *, to_delete: bool = False) -> None:
        if self._link.is_postgresql:
            # One row stands for all files: a job may name a hundred thousand of them.
            row = select(owners.c.id).where(owners.c.id == owner_id)
            self._link.run(row.with_for_update() if to_delete else row.with_for_update(read=True, key_share=True))

    def is_needed(self, file_id: str) -> bool:
        users = select(jobs.c.id).join_from(job_files, jobs, jobs.c.id == job_files.c.job_id)
        needed = users.where(job_files.c.file_id == file_id, jobs.c.state.in_(OPEN_STATES))
        return bool(self._link.run(select(exists(needed))).scalar_one())

    def delete(self, ids: Collection[str]) -> int:
        return self._link.run(delete(files).where(files.c.id.in_(self._link.ids(ids)))).rowcount

    def named_hashes(self, sha256s: Collection[str]) -> set[str]:
        rows = [(sha256,) for sha256 in sorted(set(sha256s))]
        return {sha256 for (sha256,) in self._link.run_bulk(_named_statement, rows)}

    def note_orphans(self, sha256s: Collection[str], now: float) -> dict[str, float]:
        rows = [(sha256, now) for sha256 in sorted(set(sha256s))]
        for _ in self._link.run_bulk(_note_statement, rows):
            pass
        noted = self._link.run(select(orphans).where(orphans.c.sha256.in_(self._link.ids(sha256s))))
        return {row.sha256: row.since for row in noted}

    def forget_orphans(self, sha256s: Collection[str]) -> None:
        self._link.run(delete(orphans).where(orphans.c.sha256.in_(self._link.ids(sha256s))))

    def _criteria(self, where: FileFilter) -> list[ColumnElement[bool]]:
        names = ("owner_id", "folder", "sha256")
        criteria = paging.equalities(files, {name: getattr(where, name) for name in names})
        if where.job_id is not None:
            of_job = select(job_files.c.file_id).where(*paging.equalities(job_files, {"job_id": where.job_id}))
            criteria.append(files.c.id.in_(of_job))
        if where.text:
            criteria.append(contains(self._link, files.c.search, where.text))
        return criteria


@lru_cache(maxsize=2)
def _named_statement(is_postgresql: bool) -> Executable:
    given = incoming([files.c.sha256], is_postgresql)
    tables = (files, artifacts)
    return select(given.c.sha256).where(or_(*(exists().where(table.c.sha256 == given.c.sha256) for table in tables)))


@lru_cache(maxsize=2)
def _note_statement(is_postgresql: bool) -> Executable:
    given = incoming(orphans.c, is_postgresql)
    noted = upsert(orphans, is_postgresql).from_select(orphans.c.keys(), select(*given.c).where(true()))
    statement: Executable = noted.on_conflict_do_nothing()
    return statement
