"""Reading JSON strictly: what would be read differently by others, or cannot be stored, is refused here."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

from flask import Request, request
from flask.json.provider import DefaultJSONProvider
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from api.parts import parts
from jobengine.domain.errors import EngineError, ErrorCode, invalid

_LARGEST = 2**63
_DEEPEST = 100
"""How many levels a body may have; what reads or writes it later does so by recursion, and fails far beyond that."""


def read_json(data: bytes | str) -> Any:
    """The value; raises EngineError(INVALID) for what is not JSON, and for names that come twice in an object, numbers
    beyond 64 bits, characters that are none, and nesting without end.
    """
    try:
        value = json.loads(
            data,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_bounded,
            parse_float=_finite,
        )
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except RecursionError:
        raise _too_deep() from None
    except UnicodeEncodeError:
        raise invalid("The body has half a character in it (a lone surrogate).") from None
    except ValueError as error:
        raise invalid(f"The body is not JSON: {error}.") from None
    if "\\u0000" in text:
        raise invalid("The body has a NUL character in it.")
    if _is_too_deep(value):
        raise _too_deep()
    return value


def read_body(request: Request, setting: str = "request_limit_bytes") -> bytes:
    """The body of a request, read no further than the limit of a setting; raises EngineError(TOO_LARGE) past it.

    A body that comes in chunks does not say how long it will be; of one that is too long, the rest is never read.
    """
    limit = getattr(parts().outside.settings, setting)
    refusal = EngineError(ErrorCode.TOO_LARGE, f"The body may have up to {limit} bytes.")
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise refusal from None
    if len(body) > limit:
        raise refusal
    return body


class StrictJson(DefaultJSONProvider):
    """What Flask reads and writes JSON with."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The strict reading."""
        return read_json(s)


class StrictParser(FlaskParser):
    """Reads arguments: strict JSON, and no name in a query that nobody reads."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query; an argument with one value that comes twice is refused, as nobody can tell which one is meant."""
        for name, values in req.args.lists():
            if len(values) > 1 and not isinstance(schema.fields.get(name), fields.List):
                raise ValidationError({name: ["Give this argument once."]})
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body, up to the limit in that setting which the schema names as its ``body_limit``."""
        if req.mimetype != "application/json":
            raise UnsupportedMediaType("Send the body as application/json.")
        body = read_body(req, getattr(schema, "body_limit", "request_limit_bytes"))
        try:
            return read_json(body)
        except EngineError as error:
            raise BadRequest(error.message) from None


def marked_as_reading_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, known from now on to read the query by a schema, which knows all names."""
    view.reads_query = True  # type: ignore[attr-defined]
    return view


def reads_query(view: Callable[..., Any]) -> bool:
    """Whether the view reads the query."""
    return getattr(view, "reads_query", False)


def refuse_query() -> None:
    """Refuse a query where nobody reads one; raises EngineError(INVALID) with the first name as its field."""
    for name in request.args:
        raise invalid("There is no such argument here.", name)


def _too_deep() -> EngineError:
    return invalid(f"The body is nested too deeply; up to {_DEEPEST} levels are read.")


def _is_too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(_DEEPEST):
        entries = chain.from_iterable(found.values() if isinstance(found, dict) else found for found in level)
        level = [entry for entry in entries if isinstance(entry, (dict, list))]
        if not level:
            return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"the name {next(name for name, count in counts.items() if count > 1)!r} comes twice")
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _bounded(text: str) -> int:
    if len(text) > 20 or not -_LARGEST <= int(text) < _LARGEST:
        raise ValueError("a number goes beyond 64 bits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value
