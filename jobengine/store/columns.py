"""What columns and indexes are made of, and where all tables meet.

Rules:
1. The columns of a table stand in the order of the fields of its record, so that a row reads as the record.
2. There are no foreign keys: rows of a job come and go in bulk, in one transaction, through one verb; the audit finds
   orphans. On PostgreSQL a key check would lock a parent row for each of a hundred thousand children.
3. Words of an enum are checked by the database too.
4. An index on a predicate is found by SQLite only when the query spells that predicate the same way, with literals.
   Such predicates are named once, in ``predicates.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Index, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import TEXT as PG_TEXT

METADATA = MetaData()

# IDs and names are ordered by their bytes, on every server and in every locale: pages go on where they ended.
WORD = Text().with_variant(PG_TEXT(collation="C"), "postgresql")


def word(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    """Text, ordered by its bytes."""
    return Column(name, WORD, nullable=nullable, primary_key=primary_key)


def small(name: str) -> Column[int]:
    """A whole number that 32 bits hold."""
    return Column(name, Integer, nullable=False)


def number(name: str, *, nullable: bool = False) -> Column[int]:
    """A whole number that may need 64 bits."""
    return Column(name, BigInteger, nullable=nullable)


def tally(name: str) -> Column[int]:
    """A whole number that is 0 where a program that does not know the column writes the row."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def serial(name: str) -> Column[int]:
    """The primary key of rows that the database numbers."""
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def moment(name: str, *, nullable: bool = False) -> Column[float]:
    """Seconds since 1970, or seconds."""
    return Column(name, Double, nullable=nullable)


def one_of(table: str, column: str, words: type[Enum], *, nullable: bool = False) -> CheckConstraint:
    """A check that the column holds a value of the enum."""
    listed = ", ".join(f"'{member.value}'" for member in words)
    condition = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {condition}" if nullable else condition, name=f"ck_{table}_{column}")


def partial(name: str, columns: Iterable[str], where: str, *, unique: bool = False) -> Index:
    """An index on those rows for which the predicate holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
