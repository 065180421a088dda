"""Lists by keyset: a page is one range of an index, at any depth.

Rows are ordered by a key and then by ID, or by ID alone, which is the order of creation. Where a list takes several
values of a column (``branches``), each value is a range of its own; the ranges are merged, and none is read further
than the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, tuple_, union

from jobengine.domain.errors import invalid
from jobengine.domain.filters import Page
from jobengine.store.bulk import Link, storable

Criteria = Sequence[ColumnElement[bool]]

_NO_LIMIT = 2**62
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is ordered by: the ID column and, before it, a key, whose value at ``Page.after`` is given.

    ``is_expression`` tells a key that is computed from one that is a column.
    """

    id: ColumnElement[str]
    key: ColumnElement[Any] | None = None
    after_key: Any = None
    is_expression: bool = False


def equalities(table: Table, wanted: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    """The criteria that these columns have these values; None asks for nothing."""
    return [table.c[name] == storable(value) for name, value in wanted.items() if value is not None]


def count_rows(link: Link, table: Table, criteria: Criteria) -> int:
    """How many rows meet the criteria."""
    return int(link.run(select(func.count()).select_from(table).where(*criteria)).scalar_one())


def count_some(link: Link, rows: Select[Any]) -> int:
    """How many rows there are; counted only up to the number from which on they are many."""
    some = rows.limit(_MANY).subquery()
    return int(link.run(select(func.count()).select_from(some)).scalar_one())


def is_common(link: Link, rows: Select[Any]) -> bool:
    """Whether there are so many such rows that a page of them is found soon in any order."""
    return count_some(link, rows) == _MANY


def page_by_id(
    link: Link, table: Table, criteria: Criteria, page: Page, branches: Sequence[Criteria] = ((),)
) -> list[Any]:
    """The rows of a page ordered by ID."""
    order = Order(table.c.id)
    if len(branches) == 1:
        statement = _ordered(select(table).where(*criteria, *branches[0]), order, page)
        return list(link.run(cut(statement, page)).all())
    selects = [select(table.c.id).where(*criteria, *branch) for branch in branches]
    return fetch_merged(link, table, selects, order, page)


def fetch_merged(link: Link, table: Table, selects: Sequence[Select[Any]], order: Order, page: Page) -> list[Any]:
    """The rows of a page out of several lists of IDs (and keys), each a range of an index; no row comes twice."""
    if not selects:
        return []
    # SQLite takes no order and limit in a member of a compound, unless it is wrapped.
    until = None if page.limit is None else page.limit + min(page.offset, _NO_LIMIT)
    ranges = [select(_ordered(one, order, page).limit(until).subquery()) for one in selects]
    merged = (union(*ranges) if len(ranges) > 1 else ranges[0]).subquery()
    inner = Order(merged.c[0], merged.c[1] if order.key is not None else None)
    chosen = cut(select(merged.c[0]).order_by(*_directed(inner, page)), page)
    statement = select(table).where(table.c.id.in_(chosen))
    outer = Order(table.c.id, order.key)
    return list(link.run(statement.order_by(*_directed(outer, page))).all())


def cut(statement: Select[Any], page: Page) -> Select[Any]:
    """The statement with the limit and the offset of a page."""
    if page.offset == 0:
        return statement.limit(page.limit)
    # SQLite takes no offset without a limit.
    return statement.limit(_NO_LIMIT if page.limit is None else page.limit).offset(min(page.offset, _NO_LIMIT))


def lost_place(after: str) -> Exception:
    """The row that a page should go on after is gone, and its place in this order with it."""
    return invalid(f"The list cannot go on after {after!r}, which was deleted; begin again.", "after")


def _ordered(statement: Select[Any], order: Order, page: Page) -> Select[Any]:
    if page.after is not None:
        statement = statement.where(*_beyond(order, page))
    return statement.order_by(*_directed(order, page))


def _directed(order: Order, page: Page) -> list[ColumnElement[Any]]:
    columns = [order.id] if order.key is None else [order.key, order.id]
    return [column.desc() if page.descending else column.asc() for column in columns]


def _beyond(order: Order, page: Page) -> list[ColumnElement[bool]]:
    after = literal(storable(page.after))
    if order.key is None:
        return [order.id < after if page.descending else order.id > after]
    key = literal(order.after_key)
    here, there = tuple_(order.key, order.id), tuple_(key, after)
    bounds = [here < there if page.descending else here > there]
    if order.is_expression:
        # SQLite finds a pair in an index of columns, but not in one of expressions: half of the pair must do.
        bounds.append(order.key <= key if page.descending else order.key >= key)
    return bounds
