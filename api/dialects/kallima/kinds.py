"""The types of the page: a value that has another one is as if it were not known."""

from __future__ import annotations

from enum import Enum
from typing import Any
from uuid import UUID

from jobengine.domain.ids import is_id, to_uuid


class Kind(Enum):
    """A type of the page."""

    TEXT = "text"
    NUMBER = "number"
    OBJECT = "object"
    OBJECTS = "objects"
    UUID = "uuid"


def typed(value: Any, kind: Kind) -> Any:
    """The value, or null where it is of another type. A step's results hold whatever the step said."""
    if kind is Kind.UUID:
        return spelled_uuid(value)
    return value if _is_of(value, kind) else None


def spelled_uuid(value: Any) -> str | None:
    """The UUID that a text is; an ID of ours is spelled as one. None for everything else."""
    if not isinstance(value, str):
        return None
    if is_id(value):
        return to_uuid(value)
    try:
        return str(UUID(value))
    except ValueError:
        return None


def _is_of(value: Any, kind: Kind) -> bool:
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.NUMBER:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case Kind.OBJECTS:
            return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
        case _:
            return isinstance(value, dict)
