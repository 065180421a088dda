"""Search by a part of a name or an ID, in either case of any alphabet.

Beside a row stands its text, folded. Jobs also have an index of its trigrams: what all trigrams of a part have in
common are few candidates, which are then compared. PostgreSQL weighs that index against the order of the list. On
SQLite it is weighed here: of a rare text the jobs are looked up first; a common one is found soon in any order.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, bindparam, column, func, literal_column, select, table, text
from sqlalchemy.dialects.postgresql import ARRAY

from jobengine.domain.filters import JobFilter
from jobengine.store.bulk import Link, storable
from jobengine.store.columns import WORD
from jobengine.store.paging import is_common
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
    folded = _fold(part)
    return sorted({folded[place : place + GRAM] for place in range(len(folded) - GRAM + 1)})


def _candidates(grams: list[str]) -> Select[tuple[int]]:
    quoted = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in grams)
    matches = text("job_search MATCH :grams").bindparams(bindparam("grams", quoted, unique=True))
    return select(_JOB_SEARCH.c.rowid).where(matches)
