"""Fan-in: the predecessors that a waiting task still has, counted down as they become final."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, update

from jobengine.domain.interfaces.task_rows import Settlement
from jobengine.domain.states import TaskState
from jobengine.store.bulk import Link, incoming
from jobengine.store.tables import tasks


def count_down(link: Link, settlements: Sequence[Settlement]) -> Iterator[Sequence[Any]]:
    """Count predecessors down; the rows of the waiting tasks that this touched, the later the newer."""
    for build, rows in (
        (_settle_files_statement, _settlement_rows(s for s in settlements if s.file_id is not None)),
        (_settle_nodes_statement, _settlement_rows(s for s in settlements if s.file_id is None)),
    ):
        yield from link.run_bulk(build, rows)


def _settlement_rows(settlements: Iterable[Settlement]) -> list[tuple[Any, ...]]:
    # An UPDATE takes one row per target, so what settles the same place is added up before.
    done: Counter[tuple[str, str, str | None]] = Counter()
    unmet: Counter[tuple[str, str, str | None]] = Counter()
    for settlement in settlements:
        place = (settlement.job_id, settlement.node, settlement.file_id)
        done[place] += settlement.done
        unmet[place] += settlement.unmet
    return [(*place, done[place], unmet[place]) for place in sorted(done, key=repr)]


@lru_cache(maxsize=2)
def _settle_files_statement(is_postgresql: bool) -> Executable:
    return _settle_statement(is_postgresql, on_file=True)


@lru_cache(maxsize=2)
def _settle_nodes_statement(is_postgresql: bool) -> Executable:
    return _settle_statement(is_postgresql, on_file=False)


def _settle_statement(is_postgresql: bool, *, on_file: bool) -> Executable:
    names = ("job_id", "node", "file_id", "waiting_on", "unmet")
    given = incoming([tasks.c[name] for name in names], is_postgresql)
    statement = update(tasks).where(
        tasks.c.job_id == given.c.job_id,
        tasks.c.node == given.c.node,
        tasks.c.state == TaskState.WAITING.value,
    )
    if on_file:
        statement = statement.where(tasks.c.file_id == given.c.file_id)
    return statement.values(
        waiting_on=tasks.c.waiting_on - given.c.waiting_on, unmet=tasks.c.unmet + given.c.unmet
    ).returning(*tasks.c)
