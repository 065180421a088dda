"""What the revisions spell columns with.

Revisions that ran on somebody's ledger stand on this: what is here never changes, whatever becomes of ``columns.py``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Integer, Text
from sqlalchemy.dialects.postgresql import TEXT

WORD = Text().with_variant(TEXT(collation="C"), "postgresql")


def word(name: str, *, nullable: bool = False) -> Column[Any]:
    """Text, ordered by its bytes."""
    return Column(name, WORD, nullable=nullable)


def small(name: str) -> Column[Any]:
    """A number of 32 bits."""
    return Column(name, Integer, nullable=False)


def number(name: str, *, nullable: bool = False) -> Column[Any]:
    """A number of 64 bits."""
    return Column(name, BigInteger, nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """Seconds."""
    return Column(name, Double, nullable=nullable)
