"""Members that come up in many shapes, described as what they are: IDs, times, words of an enumeration, counts."""

from __future__ import annotations

from enum import Enum
from typing import Any

from marshmallow import fields, validate

from api.identifiers import ID_PATTERN


def id_member(description: str = "", *, optional: bool = False) -> fields.String:
    """An ID; null too where it is optional."""
    return fields.String(required=True, allow_none=optional, metadata=_about(description, pattern=ID_PATTERN))


def ids_member(description: str) -> fields.List[Any]:
    """A list of IDs."""
    return fields.List(fields.String(metadata={"pattern": ID_PATTERN}), required=True, metadata=_about(description))


def digest_member() -> fields.String:
    """The SHA-256 of bytes."""
    return fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})


def time_member(*, optional: bool = False) -> fields.String:
    """A time in UTC; null too where it is optional: nothing has happened yet."""
    return fields.String(required=True, allow_none=optional, metadata={"format": "date-time"})


def word_member(words: type[Enum], *, optional: bool = False) -> fields.String:
    """A word of an enumeration."""
    return fields.String(required=True, allow_none=optional, validate=validate.OneOf([word.value for word in words]))


def counts_member(words: type[Enum]) -> fields.Dict:
    """How many there are by word of an enumeration; each word is there."""
    counts = {str(word.value): {"type": "integer", "minimum": 0} for word in words}
    about = {"properties": counts, "required": list(counts), "additionalProperties": False}
    return fields.Dict(required=True, metadata=about)


def _about(description: str, **others: str) -> dict[str, str]:
    return {**others, **({"description": description} if description else {})}
