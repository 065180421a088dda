"""Which ready tasks go next: by priority, then in turns among the owners.

No scan is longer than what it gives: priorities and owners are found by leaps through the index of ready tasks, and
of each owner no more rows are read than it may get now. So a million ready tasks of one owner cost nobody anything.

Where several engines meet, each passes over the tasks that another one is picking, and over jobs that somebody is at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, select, text

from jobengine.domain.fairness import take_turns
from jobengine.store.bulk import Link
from jobengine.store.predicates import READY
from jobengine.store.row_locks import lock_jobs
from jobengine.store.tables import tasks

Row = Any

_HEADS = text(
    f"""
    WITH RECURSIVE
    levels(priority) AS (
        SELECT max(priority) FROM tasks WHERE {READY} AND queue = :queue
        UNION ALL
        SELECT (SELECT max(priority) FROM tasks WHERE {READY} AND queue = :queue AND priority < levels.priority)
        FROM levels WHERE levels.priority IS NOT NULL
    ),
    heads(priority, owner_id) AS (
        SELECT levels.priority,
               (SELECT min(owner_id) FROM tasks WHERE {READY} AND queue = :queue AND priority = levels.priority)
        FROM levels WHERE levels.priority IS NOT NULL
        UNION ALL
        SELECT heads.priority,
               (SELECT min(owner_id) FROM tasks
                WHERE {READY} AND queue = :queue AND priority = heads.priority AND owner_id > heads.owner_id)
        FROM heads WHERE heads.owner_id IS NOT NULL
    )
    SELECT priority, owner_id FROM heads WHERE owner_id IS NOT NULL ORDER BY priority DESC, owner_id
    """  # noqa: S608 - the predicate is a constant of ours
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which ready tasks: of a queue, due now, and not of these steps."""

    queue: str
    now: float
    without_steps: frozenset[str] = frozenset()


def pick_ready(
    link: Link,
    wanted: Wanted,
    limit: int,
    busy: Mapping[str, int],
    caps: Mapping[str, int],
    *,
    may_wait: bool,
) -> list[Row]:
    """The rows of the tasks to dispatch, in their order; see ``TaskRows.pick_ready``."""
    if not link.is_postgresql:
        return _pick(link, wanted, limit, busy, caps)
    # What is locked here comes before its job in the order of locks: then waiting is forbidden, and when every job is
    # taken, the tasks are let go before waiting for the jobs.
    attempt = link.connection.begin_nested()
    picked = _pick(link, wanted, limit, busy, caps)
    free = lock_jobs(link, link.ids(row.job_id for row in picked), skip_locked=True)
    if free or not picked or not may_wait:
        attempt.commit()
        return [row for row in picked if row.job_id in free]
    attempt.rollback()
    lock_jobs(link, link.ids(row.job_id for row in picked))
    ready = select(tasks).where(text(READY), tasks.c.id.in_(link.ids(row.id for row in picked)))
    found = {row.id: row for row in link.run(ready.with_for_update(skip_locked=True))}
    return [found[row.id] for row in picked if row.id in found]


def _pick(link: Link, wanted: Wanted, limit: int, busy: Mapping[str, int], caps: Mapping[str, int]) -> list[Row]:
    levels: dict[int, list[str]] = {}
    for priority, owner_id in link.run(_HEADS, queue=wanted.queue):
        levels.setdefault(priority, []).append(owner_id)
    load = Counter(busy)
    picked: list[Row] = []
    for priority, owners in levels.items():
        if len(picked) >= limit:
            break
        chosen = _pick_level(link, wanted, priority, limit - len(picked), owners, load, caps)
        load.update(row.owner_id for row in chosen)
        picked += chosen
    return picked


def _pick_level(
    link: Link,
    wanted: Wanted,
    priority: int,
    limit: int,
    owners: list[str],
    busy: Mapping[str, int],
    caps: Mapping[str, int],
) -> list[Row]:
    start = int(wanted.now * 1000) % len(owners)
    found: dict[str, list[Row]] = {}
    at_most: dict[str, int] = {}
    # Each round either gives every owner what its turns ask for, or finds one that has less: it ends.
    while True:
        turns = take_turns(limit, owners, busy, caps, at_most, start)
        for owner_id, share in Counter(turns).items():
            if share > len(found.get(owner_id, ())):
                found[owner_id] = _due(link, wanted, priority, owner_id, share)
                if len(found[owner_id]) < share:
                    at_most[owner_id] = len(found[owner_id])
        if all(len(found[owner_id]) >= share for owner_id, share in Counter(turns).items()):
            return _in_turn(turns, found)


def _due(link: Link, wanted: Wanted, priority: int, owner_id: str, limit: int) -> list[Row]:
    """Tasks of an owner that are due, oldest first; a retry whose time has come is as old as its task."""
    mine: Select[Any] = select(tasks).where(
        text(READY), tasks.c.queue == wanted.queue, tasks.c.priority == priority, tasks.c.owner_id == owner_id
    )
    if wanted.without_steps:
        mine = mine.where(tasks.c.step.not_in(sorted(wanted.without_steps)))
    rows: list[Row] = []
    # Two ranges of the index, each read in its order: tasks that were never held back, and those held back until now.
    for due in (tasks.c.not_before == 0.0, tasks.c.not_before.between(5e-324, wanted.now)):
        statement = mine.where(due).order_by(tasks.c.not_before, tasks.c.id).limit(limit)
        rows += link.run(statement.with_for_update(skip_locked=True)).all()
    return sorted(rows, key=attrgetter("id"))[:limit]


def _in_turn(turns: list[str], found: dict[str, list[Row]]) -> list[Row]:
    rows = {owner_id: iter(found[owner_id]) for owner_id in turns}
    return [next(rows[owner_id]) for owner_id in turns]
