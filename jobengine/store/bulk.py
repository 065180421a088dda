"""Many rows in one statement: rows travel as one JSON parameter and are unfolded by the database.

A statement then has one parameter at any number of rows, and is compiled once. SQLite unfolds with ``json_each``,
PostgreSQL with ``json_to_recordset``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnClause,
    Connection,
    Executable,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.sql.expression import FromClause, TextualSelect
from sqlalchemy.types import TypeEngine

from jobengine.domain.errors import invalid

CHUNK = 5000
"""Rows in one statement: large enough to make its cost vanish, small enough for a parameter of a few megabytes."""

# What no database stores as text: NUL, and halves of surrogate pairs that stand alone.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])")

Row = Sequence[Any]

_ID = Column("value", Text)


@dataclass(frozen=True, slots=True)
class Link:
    """The connection of one transaction, and which database it leads to."""

    connection: Connection

    @property
    def is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def run(self, statement: Executable, **parameters: Any) -> CursorResult[*tuple[Any, ...]]:
        """Execute one statement."""
        return self.connection.execute(statement, parameters)

    def run_bulk(self, build: Callable[[bool], Executable], rows: Sequence[Row]) -> Iterator[Any]:
        """Execute a statement over ``incoming`` rows, chunk by chunk; whatever rows it returns.

        ``build`` makes the statement for PostgreSQL (True) or SQLite; it is a module's cached function.
        """
        statement = build(self.is_postgresql)
        for chunk in chunks(rows):
            result = self.connection.execute(statement, {"rows": encode_rows(chunk, as_objects=self.is_postgresql)})
            if result.returns_rows:
                yield from result.all()

    def ids(self, ids: Iterable[str]) -> TextualSelect:
        """A sub-select of these IDs, for ``in_``; one parameter, however many there are."""
        # Spelled out: putting a select together takes ten times longer, and most calls name only a few IDs.
        given = bindparam("ids", json.dumps([storable(name) for name in sorted(set(ids))]), type_=Text, unique=True)
        unfold = "json_array_elements_text(CAST(:ids AS JSON))" if self.is_postgresql else "json_each(:ids)"
        return text(f"SELECT value FROM {unfold}").bindparams(given).columns(_ID)  # noqa: S608 - our own words


def chunks(rows: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """The rows in stretches."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def encode_rows(rows: Collection[Row], *, as_objects: bool) -> str:
    """The rows as JSON: lists, or objects with the keys c0, c1 and so on."""
    text = json.dumps(rows, separators=(",", ":"), allow_nan=False)
    if _SUSPECT.search(text):
        rows = [[storable(value) for value in row] for row in rows]
    elif not as_objects:
        return text
    if as_objects:
        return json.dumps([{f"c{index}": value for index, value in enumerate(row)} for row in rows], allow_nan=False)
    return json.dumps(rows, separators=(",", ":"), allow_nan=False)


def encode_json(value: Any) -> str:
    """The text of a value in a JSON column, ASCII throughout; raises EngineError(INVALID) for what JSON cannot say."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, default=dict)
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid(f"This cannot be stored as JSON: {error}.") from error


def storable(value: Any) -> Any:
    """The value, with what no database stores as text replaced by U+FFFD."""
    return _UNSTORABLE.sub("�", value) if isinstance(value, str) else value


def incoming(columns: Iterable[ColumnClause[Any]], is_postgresql: bool) -> FromClause:
    """The JSON parameter ``rows`` as a table that has these columns."""
    named = list(columns)
    given = bindparam("rows", type_=Text)
    if is_postgresql:
        spelled = [column(f"c{index}", _plain(entry.type)) for index, entry in enumerate(named)]
        record = func.json_to_recordset(cast(given, JSON)).table_valued(*spelled)
        unfolded = record.render_derived(name="record", with_types=True)
        return select(*(unfolded.c[f"c{i}"].label(entry.name) for i, entry in enumerate(named))).subquery("incoming")
    each = func.json_each(given).table_valued("value", name="each_row")
    values = (_extract(each.c.value, index, entry) for index, entry in enumerate(named))
    return select(*values).subquery("incoming")


@lru_cache(maxsize=64)
def insert_statement(table: Table, names: tuple[str, ...], is_postgresql: bool) -> Executable:
    """Insert ``incoming`` rows of these columns."""
    given = incoming([table.c[name] for name in names], is_postgresql)
    return insert(table).from_select(list(names), select(*given.c).where(true()))


def insert_rows(link: Link, table: Table, rows: Sequence[Row], names: Sequence[str] | None = None) -> None:
    """Insert rows whose values stand in the order of the table's columns, or of those named."""
    wanted = tuple(names or table.c.keys())
    if link.is_postgresql:
        for _ in link.run_bulk(lambda is_postgresql: insert_statement(table, wanted, is_postgresql), rows):
            pass
        return
    # SQLite takes plain rows faster than it unfolds JSON: there is no way to a server between.
    for chunk in chunks(rows):
        values = [tuple(row) for row in chunk] if _is_storable(chunk) else [tuple(map(storable, row)) for row in chunk]
        link.connection.exec_driver_sql(_insert_text(table, wanted), values)


def _is_storable(rows: Iterable[Row]) -> bool:
    """Whether a database stores all texts of these rows; most are ASCII throughout, which is seen at once."""
    text = "".join([value for row in rows for value in row if isinstance(value, str)])
    return "\0" not in text and (text.isascii() or _UNSTORABLE.search(text) is None)


@lru_cache(maxsize=64)
def _insert_text(table: Table, names: tuple[str, ...]) -> str:
    columns, places = ", ".join(names), ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608 - our own names


def upsert(table: Table, is_postgresql: bool) -> Any:
    """An INSERT that can say what happens on a conflict; both databases spell it alike, SQLAlchemy has two classes."""
    return (postgresql if is_postgresql else sqlite).insert(table)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    # Without the collation: a column of a record cannot have one.
    return Text() if isinstance(kind, Text) else kind


def _extract(value: Any, index: int, entry: ColumnClause[Any]) -> Any:
    return func.json_extract(value, literal_column(f"'$[{index}]'"), type_=_plain(entry.type)).label(entry.name)
