"""Search by a part of a name or an ID, in either case of any alphabet.

Beside a row stands its text, folded. Jobs also have an index of its trigrams: what the trigrams of a part have in
common are few candidates, which are then compared. PostgreSQL weighs that index against the order of the list. On
SQLite it is weighed here:

1. The index knows jobs by their number, and numbers follow IDs (``JobRows.insert``). A list by text alone walks the
   index itself, from where the page begins, and looks at nothing that lacks the trigrams.
2. In any other list the jobs of a rare text are looked up first; a common text is compared job by job.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from jobengine.domain.filters import JobFilter, Page
from jobengine.store.bulk import Link, storable
from jobengine.store.columns import WORD
from jobengine.store.paging import cut, is_common
from jobengine.store.tables import jobs

GRAM = 3

_JOB_SEARCH = table("job_search", column("rowid"))


def search_text(name: str, identifier: str) -> str:
    """The text that is stored for the search beside a row."""
    return f"{name}\n{identifier}".casefold()


def contains(link: Link, folded: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether folded text has the part in it; no character of it is a wildcard."""
    position = func.strpos if link.is_postgresql else func.instr
    return position(folded, _fold(part)) > 0


def has_text(link: Link, part: str) -> ColumnElement[bool]:
    """Whether a job has the part in its name or its ID."""
    has_part = contains(link, jobs.c.search, part)
    grams = _grams(part)
    if not (grams and link.is_postgresql):
        return has_part
    wanted = bindparam("grams", grams, type_=ARRAY(WORD), unique=True)
    return and_(literal_column("jobengine_grams(search)", ARRAY(WORD)).contains(wanted), has_part)


def walks_by_text(link: Link, where: JobFilter) -> bool:
    """Whether the index of trigrams is the way through a list: only text bounds it, and an owner with many jobs."""
    if link.is_postgresql or not _grams(where.text or "") or where != JobFilter(where.owner_id, text=where.text):
        return False
    return where.owner_id is None or is_common(link, select(jobs.c.id).where(jobs.c.owner_id == where.owner_id))


def page_by_text(link: Link, where: JobFilter, page: Page) -> list[Any]:
    """The rows of a page of jobs that have the text, in the order of IDs."""
    part = where.text or ""
    number = _JOB_SEARCH.c.rowid
    # The plus keeps SQLite from looking each job up in the index, instead of each entry of the index among the jobs.
    is_job = jobs.c.row == literal_column("+job_search.rowid")
    found = select(jobs).select_from(_JOB_SEARCH.join(jobs, is_job))
    found = found.where(_matches(_grams(part)), contains(link, jobs.c.search, part))
    if where.owner_id is not None:
        found = found.where(literal_column("+jobs.owner_id") == where.owner_id)
    if page.after is not None:
        found = found.where(_is_beyond(page, number))
    return list(link.run(cut(found.order_by(number.desc() if page.descending else number.asc()), page)).all())


def with_ids_of_rare_text(link: Link, where: JobFilter) -> JobFilter:
    """The filter, with the IDs of the jobs that have its text in place of the text, where these are few."""
    grams = _grams(where.text or "")
    if link.is_postgresql or not grams or is_common(link, candidates := _candidates(grams)):
        return where
    found = select(jobs.c.id).where(jobs.c.row.in_(candidates), contains(link, jobs.c.search, where.text or ""))
    ids = set(link.run(found).scalars())
    return replace(where, text=None, ids=tuple(ids if where.ids is None else ids & set(where.ids)))


def _fold(part: str) -> str:
    return str(storable(part.casefold()))


def _grams(part: str) -> list[str]:
    """The trigrams that cover the part side by side: those between them narrow little and cost as much."""
    folded = _fold(part)
    last = len(folded) - GRAM
    return sorted({folded[place : place + GRAM] for place in (*range(0, last, GRAM), last)}) if last >= 0 else []


def _is_beyond(page: Page, number: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a number comes after that of the page's last job, which may have been deleted: the next one is asked."""
    if page.descending:
        return (
            number
            <= select(jobs.c.row).where(jobs.c.id < page.after).order_by(jobs.c.id.desc()).limit(1).scalar_subquery()
        )
    return (
        number >= select(jobs.c.row).where(jobs.c.id > page.after).order_by(jobs.c.id.asc()).limit(1).scalar_subquery()
    )


def _candidates(grams: list[str]) -> Select[tuple[int]]:
    return select(_JOB_SEARCH.c.rowid).where(_matches(grams))


def _matches(grams: list[str]) -> TextClause:
    quoted = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in grams)
    return text("job_search MATCH :grams").bindparams(bindparam("grams", quoted, unique=True))
