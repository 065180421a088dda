"""Lists: ``limit`` with a cursor or an offset, and the cursor to go on from.

A cursor is the place of a row and not the row itself: the list goes on there also when the row was deleted. In the
order of IDs the place is the ID; in any other order it is the row's key and its ID, as text that nobody need read.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from marshmallow import Schema, ValidationError, fields, post_load, validate

from jobengine.domain.filters import MAX_PAGE, Page
from jobengine.domain.ids import is_id
from jobengine.domain.orders import Key

_CURSOR_LENGTH = 4000
_MOST = 2.0**63


class Order(NamedTuple):
    """An order that is not that of IDs: its name, and what its keys are."""

    name: str
    kind: type[Key]


class HasId(Protocol):
    """A row of a list."""

    @property
    def id(self) -> str: ...


Row = TypeVar("Row")

Place = tuple[Key | None, str | None]
"""The key (None where it is the ID) and the ID that a list goes on after."""


def check_id(text: str) -> None:
    """Refuse what is no ID."""
    if not is_id(text):
        raise ValidationError("An ID has exactly 24 hexadecimal digits.")


class PageArguments(Schema):
    """The stretch of a list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, _CURSOR_LENGTH))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 10**9))

    def place_of(self, cursor: str, arguments: dict[str, Any]) -> Place:
        """The place that a cursor means; raises ValidationError for one that is none of this list."""
        if not is_id(cursor):
            raise refusal()
        return None, cursor

    @post_load
    def add_place(self, arguments: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Add the place that the list goes on after."""
        cursor = arguments["cursor"]
        return {**arguments, "place": (None, None) if cursor is None else self.place_of(cursor, arguments)}


def page_of(arguments: dict[str, Any], *, descending: bool = True) -> Page:
    """The page that the arguments ask for, and one row more, which tells whether there is a next one."""
    key, after = arguments["place"]
    return Page(arguments["limit"] + 1, after, arguments["offset"], descending, key)


def listed(
    rows: Sequence[Row], arguments: dict[str, Any], items: list[Any], cursor_of: Callable[[Row], str] | None = None
) -> dict[str, Any]:
    """The answer to a list: its items, and the cursor of the next page or null; without ``cursor_of``, the last ID."""
    limit = arguments["limit"]
    if len(rows) <= limit:
        return {"items": items, "next_cursor": None}
    last = rows[limit - 1]
    return {"items": items[:limit], "next_cursor": cursor_of(last) if cursor_of else cast(HasId, last).id}


def write_cursor(order: Order, key: Key, identifier: str) -> str:
    """The cursor of a row in an order that is not that of IDs."""
    text = json.dumps([order.name, key, identifier], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode(errors="replace")).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> Place:
    """The place that a cursor was written of; raises ValidationError for every other text."""
    try:
        name, key, identifier = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise refusal() from None
    # A time may be a whole number of seconds, but true and false are no numbers.
    is_key = isinstance(key, (int, float) if order.kind is float else order.kind) and not isinstance(key, bool)
    is_number = is_key and not isinstance(key, str)
    if is_number and not (math.isfinite(key) and abs(key) < _MOST):
        raise refusal()
    if name != order.name or not is_key or not isinstance(identifier, str) or not is_id(identifier):
        raise refusal()
    return key, identifier


def refusal() -> ValidationError:
    """What a cursor gets that cannot be used."""
    message = "This is no cursor of this list and order; take it from next_cursor as it is."
    return ValidationError(message, "cursor")
