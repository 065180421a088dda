"""Lists of jobs: which index answers which filter, in which order.

Rules:
1. The order of creation is the order of IDs. A page in it goes on even after the row that it should follow is gone.
2. Each state and each of a few file hashes is a range of its own; a label and a hash are read from their own table, in
   the order of job IDs, so that neither a rare nor a common value makes a long scan.
3. A bound on a time makes the list go by (created_at, ID), which is the same order, so that the index leaps to the
   bound: what started or finished before a time was created before it.
4. SQLite keeps no numbers on what columns hold and takes all indexes for equally good. Where IDs, a batch or a parent
   leave few jobs, a plus before every other column keeps their indexes out of its way. PostgreSQL knows by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, false, literal_column, or_, select

from jobengine.domain.errors import invalid
from jobengine.domain.filters import JobFilter, Page, Span
from jobengine.domain.orders import NEVER
from jobengine.domain.states import FailureKind, JobState, TaskState
from jobengine.store import paging, predicates
from jobengine.store.bulk import Link, storable
from jobengine.store.paging import Criteria, Order, count_some, is_common
from jobengine.store.search import has_text, page_by_text, walks_by_text, with_ids_of_rare_text
from jobengine.store.tables import job_files, job_labels, jobs, tasks

_CREATED = "created_at"
_SORT_KEYS: dict[str, ColumnElement[Any]] = {
    "created_at": jobs.c.created_at,
    "started_at": literal_column(predicates.STARTED_KEY),
    "finished_at": literal_column(predicates.FINISHED_KEY),
    "name": jobs.c.name,
    "priority": jobs.c.priority,
}
_COMPUTED = ("started_at", "finished_at")
_NEVER_IN = {"started_at": (JobState.PENDING,), "finished_at": (JobState.PENDING, JobState.RUNNING)}
"""The states in which a time has not come."""
_NARROW = ("batch_id", "parent_id")
_RANGES = 100
"""How many hashes are ranges of their own; the jobs of more are sorted. SQLite merges up to 500."""
_RAN_OUT_OF_TIME = and_(tasks.c.state == TaskState.FAILED.value, tasks.c.failure_kind == FailureKind.TIMEOUT.value)


def page_jobs(link: Link, where: JobFilter, page: Page) -> list[Any]:
    """The rows of a page of jobs; raises EngineError(INVALID) for an unknown sort, and for a place that is lost."""
    if where.sort not in _SORT_KEYS:
        raise invalid(f"Jobs are not sorted by {where.sort!r}; {sorted(_SORT_KEYS)} are known.", "sort")
    if walks_by_text(link, where):
        return page_by_text(link, where, page)
    where = with_ids_of_rare_text(link, where)
    criteria = _criteria(link, where, is_owner_hidden=_is_by_frequency(link, where))
    is_driven = where.labels or where.file_sha256 is not None
    if where.sort == _CREATED and is_driven and not _is_narrow(where):
        return paging.fetch_merged(link, jobs, _driven(link, where, criteria), Order(_driver_id(where)), page)
    criteria += [*_labeled(where.labels), *_with_hash(link, where)]
    branches = _state_branches(link, where)
    if where.sort == _CREATED and not _is_by_time(where):
        return paging.page_by_id(link, jobs, criteria, page, branches)
    key = _SORT_KEYS[where.sort]
    order = Order(jobs.c.id, key, _after_key(link, where, page), is_expression=where.sort in _COMPUTED)
    selects = [select(jobs.c.id, key.label("key")).where(*criteria, *branch) for branch in branches]
    return paging.fetch_merged(link, jobs, selects, order, page)


def is_counted_by_state(where: JobFilter) -> bool:
    """Whether the statistics know how many jobs these are."""
    return where == JobFilter(
        owner_id=where.owner_id, states=where.states, pipeline_name=where.pipeline_name, sort=where.sort
    )


def timed_out_jobs(link: Link, ids: Collection[str]) -> set[str]:
    """Those of these jobs of which a task ran out of time."""
    statement = select(tasks.c.job_id).distinct().where(tasks.c.job_id.in_(link.ids(ids)), _RAN_OUT_OF_TIME)
    return set(link.run(statement).scalars())


def count_jobs(link: Link, where: JobFilter) -> int:
    """How many jobs meet the filter."""
    where = with_ids_of_rare_text(link, where)
    criteria = [*_criteria(link, where), *_labeled(where.labels), *_with_hash(link, where)]
    if where.states is not None:
        criteria.append(_is_in(jobs.c.state, where.states))
    return paging.count_rows(link, jobs, criteria)


def _criteria(link: Link, where: JobFilter, *, is_owner_hidden: bool = False) -> list[ColumnElement[bool]]:
    criteria = paging.equalities(jobs, {name: getattr(where, name) for name in ("pipeline_id", *_NARROW)})
    if where.owner_id is not None:
        is_hidden = _is_narrow(where) or where.pipeline_id is not None or is_owner_hidden
        criteria.append(_column(link, "owner_id", is_hidden=is_hidden) == storable(where.owner_id))
    if where.owner_ids is not None:
        criteria.append(_is_of_owners(link, where))
    if where.timed_out is not None:
        is_late = exists().where(tasks.c.job_id == jobs.c.id, _RAN_OUT_OF_TIME)
        criteria.append(or_(jobs.c.state != JobState.FAILED.value, is_late if where.timed_out else ~is_late))
    if where.spans is not None:
        criteria.append(or_(false(), *(_is_within(span) for span in where.spans)))
    if where.pipeline_name is not None:
        column = _column(link, "pipeline_name", is_hidden=_is_narrow(where))
        criteria.append(column == storable(where.pipeline_name))
    if where.ids is not None:
        criteria.append(jobs.c.id.in_(link.ids(where.ids)))
    if where.text:
        criteria.append(has_text(link, where.text))
    return [*criteria, *_bounds(link, where)]


def _is_of_owners(link: Link, where: JobFilter) -> ColumnElement[bool]:
    ids = [storable(owner_id) for owner_id in where.owner_ids or ()]
    # As with states: where they have many jobs, these turn up soon in any order; where they have few, those are sorted.
    is_hidden = _is_narrow(where) or is_common(link, select(jobs.c.id).where(jobs.c.owner_id.in_(ids)))
    return _column(link, "owner_id", is_hidden=is_hidden).in_(ids)


def _is_within(span: Span) -> ColumnElement[bool]:
    return and_(jobs.c[span.field] > span.after, jobs.c[span.field] < span.before)


def _is_narrow(where: JobFilter) -> bool:
    return where.ids is not None or any(getattr(where, name) is not None for name in _NARROW)


def _column(link: Link, name: str, *, is_hidden: bool) -> ColumnElement[Any]:
    """The column, hidden from the choice of an index where SQLite would choose badly."""
    return literal_column(f"+jobs.{name}") if is_hidden and not link.is_postgresql else jobs.c[name]


def _bounds(link: Link, where: JobFilter) -> Iterator[ColumnElement[bool]]:
    for name in ("created", "started", "finished"):
        before, after = getattr(where, f"{name}_before"), getattr(where, f"{name}_after")
        column = _column(link, f"{name}_at", is_hidden=_is_narrow(where))
        if before is not None:
            yield column < before
        if after is not None:
            yield column > after
    ends = [bound for bound in (where.started_before, where.finished_before) if bound is not None]
    if ends:
        yield _column(link, "created_at", is_hidden=_is_narrow(where)) <= min(ends)


def _is_by_time(where: JobFilter) -> bool:
    bounds = (where.created_before, where.created_after, where.started_before, where.finished_before)
    return not _is_narrow(where) and any(bound is not None for bound in bounds)


def _labeled(labels: Mapping[str, str]) -> list[ColumnElement[bool]]:
    aliases = ((job_labels.alias(), name, value) for name, value in labels.items())
    return [exists().where(label.c.job_id == jobs.c.id, *_is_label(label, *pair)) for label, *pair in aliases]


def _is_label(label: FromClause, name: str, value: str) -> list[ColumnElement[bool]]:
    return [label.c.name == storable(name), label.c.value == storable(value)]


def _with_hash(link: Link, where: JobFilter) -> list[ColumnElement[bool]]:
    if where.file_sha256 is None:
        return []
    return [jobs.c.id.in_(select(job_files.c.job_id).where(job_files.c.sha256.in_(link.ids(where.file_sha256))))]


def _state_branches(link: Link, where: JobFilter) -> Sequence[Criteria]:
    is_by_id = where.sort == _CREATED and not _is_by_time(where)
    if where.states is None and (where.pipeline_name is None or _is_narrow(where) or not is_by_id):
        return [[]]
    # The index by pipeline goes on by state, so a list by pipeline alone is one of all states.
    states = list(JobState) if where.states is None else list(dict.fromkeys(where.states))
    if _is_narrow(where):
        return [[_is_in(_column(link, "state", is_hidden=True), states)]]
    if _is_by_frequency(link, where):
        return _by_frequency(link, where, states) if where.sort == _CREATED else _in_order(link, where, states)
    return [[jobs.c.state == state.value] for state in states]


def _is_by_frequency(link: Link, where: JobFilter) -> bool:
    """Whether it depends on how many jobs of these states there are by which index they are read."""
    if link.is_postgresql or where.states is None or _is_narrow(where):
        return False
    if where.sort == _CREATED:
        return _is_by_time(where)
    return where.pipeline_name is None and where.pipeline_id is None


def _by_frequency(
    link: Link, where: JobFilter, states: Sequence[JobState], *bounds: ColumnElement[bool]
) -> Sequence[Criteria]:
    """Of a common state the index in the order finds a page soon; of a rare one the index by state has few to sort.

    The bounds, which all jobs of these states keep, tell where in the index in the order they are.
    """
    owned = paging.equalities(jobs, {"owner_id": where.owner_id})
    rows = {state: select(jobs.c.id).where(jobs.c.state == state.value, *owned) for state in states}
    common = [state for state in states if is_common(link, rows[state])]
    # An owner's are looked up first: SQLite would go through all of the owner's in the order, to save the sorting.
    branches: list[Criteria] = [
        [jobs.c.id.in_(rows[state].correlate(None)) if owned else jobs.c.state == state.value]
        for state in states
        if state not in common
    ]
    if not common:
        return branches
    return [*branches, [_is_in(_column(link, "state", is_hidden=True), common), *owned, *bounds]]


def _in_order(link: Link, where: JobFilter, states: Sequence[JobState]) -> Sequence[Criteria]:
    """Jobs for which a time has not come are in one part of the index by it, before all others, under one key.

    That key is a bound all the same: SQLite sorts what has it, if it is told that all have. A job may have ended and
    never have begun. In an order by another thing than time, the jobs of a state may be anywhere.
    """
    key = _SORT_KEYS[where.sort]
    never = [state for state in states if state in _NEVER_IN.get(where.sort, ())]
    others = [state for state in states if state not in never]
    bounds = [key > NEVER] if where.sort == "finished_at" else []
    return [*_by_frequency(link, where, others, *bounds), *_by_frequency(link, where, never, key <= NEVER)]


def _is_in(column: ColumnElement[str], states: Sequence[JobState]) -> ColumnElement[bool]:
    return column.in_([state.value for state in states])


def _driver_id(where: JobFilter) -> ColumnElement[str]:
    return job_labels.c.job_id if where.labels else job_files.c.job_id


def _driven(link: Link, where: JobFilter, criteria: Criteria) -> list[Select[Any]]:
    """Lists of job IDs from the rarest label, or from each hash; all else must hold of the job."""
    job_id = _driver_id(where)
    of_job = [*criteria, jobs.c.id == job_id]
    if where.states is not None:
        of_job.append(_is_in(jobs.c.state, where.states))
    if not where.labels:
        hashes = dict.fromkeys(where.file_sha256 or ())
        named = [job_files.c.sha256 == storable(one) for one in hashes]
        if len(hashes) > _RANGES:
            named = [job_files.c.sha256.in_(link.ids(hashes))]
        # A job may have several files of the same content.
        return [select(job_id).distinct().where(is_named, exists().where(*of_job)) for is_named in named]
    name = _rarest(link, where.labels)
    of_job += [
        *_labeled({other: value for other, value in where.labels.items() if other != name}),
        *_with_hash(link, where),
    ]
    labeled = select(job_id).where(*_is_label(job_labels, name, where.labels[name]))
    return [labeled.where(exists().where(*of_job))]


def _rarest(link: Link, labels: Mapping[str, str]) -> str:
    counts = {
        name: count_some(link, select(job_labels.c.job_id).where(*_is_label(job_labels, name, value)))
        for name, value in labels.items()
    }
    return min(counts, key=lambda name: counts[name])


def _after_key(link: Link, where: JobFilter, page: Page) -> Any:
    if page.after is None:
        return None
    if page.after_key is not None:
        return storable(page.after_key) if isinstance(page.after_key, str) else page.after_key
    found = link.run(select(_SORT_KEYS[where.sort]).where(jobs.c.id == page.after)).first()
    if found is None and where.sort != _CREATED:
        raise paging.lost_place(page.after)
    found = found or _neighbor(link, page)
    return found[0] if found else 0.0


def _neighbor(link: Link, page: Page) -> Any:
    """The time of the next job in the direction of the page: nothing lies between it and the one that is gone."""
    beyond = jobs.c.id < page.after if page.descending else jobs.c.id > page.after
    ordered = jobs.c.id.desc() if page.descending else jobs.c.id.asc()
    return link.run(select(jobs.c.created_at).where(beyond).order_by(ordered).limit(1)).first()
