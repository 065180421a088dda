"""What makes a dialect: which requests are its own, and how it words a refusal."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from api.errors import Refusal
from api.strict import read_body, read_json
from jobengine.domain.errors import invalid


@dataclass(frozen=True, slots=True)
class Dialect:
    """``claims`` looks at the current request; ``render`` words what went wrong, the framework's errors included.

    ``scheme`` is how keys come in ``Authorization``; None where they come in a header of the product's own.
    """

    name: str
    claims: Callable[[], bool]
    render: Callable[[Refusal], Response]
    scheme: str | None = None


def check_query(once: Collection[str] = (), several: Collection[str] = ()) -> None:
    """Refuse a query that holds more than what is read from it: raises EngineError(INVALID) for a name that nobody
    reads, and for one that is read ``once`` and comes twice.
    """
    for name, values in request.args.lists():
        if name not in once and name not in several:
            raise invalid("There is no such argument here.", name)
        if name in once and len(values) > 1:
            raise invalid("Give this argument once.", name)


def bearer() -> str | None:
    """The token of a Bearer header, else None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def json_object() -> dict[str, Any]:
    """The body as a JSON object, whatever its content type says; raises EngineError(INVALID)."""
    body = read_json(read_body(request))
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def text_of(body: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """A text in the body; raises EngineError(INVALID) for another type, or where it is missing and has no default."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise invalid("This must be a text.", name)
    return value


def texts_of(body: dict[str, Any], name: str) -> list[str]:
    """A list of texts in the body; empty where it is missing. Raises EngineError(INVALID) for anything else."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise invalid("This must be a list of texts.", name)
    return value


def whole_number(text: str | None, name: str, default: int, least: int = 0, most: int = 10**9) -> int:
    """A number in the query; raises EngineError(INVALID) unless it is a whole one in its range."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not least <= int(text) <= most:
        raise invalid(f"This must be a whole number from {least} to {most}.", name)
    return int(text)


def iso(at: float | None, *, with_zone: bool = True) -> str | None:
    """A time as ISO 8601 in UTC, to the second."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}Z" if with_zone else text
