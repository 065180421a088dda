"""Lists: ``limit`` with a cursor or an offset, and the cursor to go on from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from marshmallow import Schema, ValidationError, fields, validate

from jobengine.domain.filters import MAX_PAGE, Page
from jobengine.domain.ids import is_id


class HasId(Protocol):
    """A row of a list."""

    @property
    def id(self) -> str: ...


def check_id(text: str) -> None:
    """Refuse what is no ID."""
    if not is_id(text):
        raise ValidationError("An ID has exactly 24 hexadecimal digits.")


class PageArguments(Schema):
    """The stretch of a list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))
    cursor = fields.String(load_default=None, allow_none=True, validate=check_id)
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 10**9))


def page_of(arguments: dict[str, Any], *, descending: bool = True) -> Page:
    """The page that the arguments ask for, and one row more, which tells whether there is a next one."""
    return Page(arguments["limit"] + 1, arguments["cursor"], arguments["offset"], descending)


def listed(rows: Sequence[HasId], arguments: dict[str, Any], items: list[Any]) -> dict[str, Any]:
    """The answer to a list: its items, and the cursor of the next page or null."""
    limit = arguments["limit"]
    return {"items": items[:limit], "next_cursor": rows[limit - 1].id if len(rows) > limit else None}
