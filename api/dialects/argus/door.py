"""Where this dialect lives, who may come in, and the envelope of its answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from api.auth import READ, Caller, authenticate, in_header
from api.dialects.dialect import check_query, json_object, whole_number
from api.dialects.long_lists import written_list
from jobengine.domain.errors import invalid
from jobengine.domain.filters import MAX_PAGE
from jobengine.domain.records import Role

blueprint = Blueprint("argus", __name__)
PREFIX = "/sampledb/v2"
_HEADER = "Argus-API-Key"
_LIMIT = 25


def caller(allowed: frozenset[Role] = READ, *, reads: Collection[str] = (), several: Collection[str] = ()) -> Caller:
    """The caller whose key is in ``Argus-API-Key``. The query may hold what the view ``reads`` from it once, and what
    it reads ``several`` times, and nothing else.
    """
    who = authenticate(request.headers.get(_HEADER), allowed, sent_as=in_header(_HEADER))
    check_query(reads, several)
    return who


def read_body(names: Collection[str]) -> dict[str, Any]:
    """The body, an object that may hold these names; raises EngineError(INVALID) with the first other as its field."""
    body = json_object()
    for name in body:
        if name not in names:
            raise invalid(f"There is no such name here; there are {', '.join(names)}.", name)
    return body


def stash(data: Any, status: int = 200, **page: int) -> Response:
    """An answer in the envelope that everything has, one object as well."""
    response = jsonify({**_envelope(status, **page), "data": data})
    response.status_code = status
    return response


def listed(items: Iterable[dict[str, Any]], count: int, limit: int, offset: int) -> Response:
    """A list in the envelope; ``count`` is how many there are in all.

    One without a limit, or with a high one, is written while the ledger is read, and its numbers come behind it.
    """
    if 0 < limit <= MAX_PAGE:
        shown = list(items)
        return stash(shown, limit=limit, offset=offset, count=count, size=len(shown))

    def close(size: int) -> str:
        # Some may have come since they were counted.
        least = offset + size if size else 0
        body = _envelope(limit=limit, offset=offset, count=max(count, least), size=size)
        return f"], {current_app.json.dumps(body)[1:]}"

    return written_list('{"data": [', iter(items), close)


def stretch() -> tuple[int, int]:
    """``limit`` (0 is no limit) and ``offset`` of the query."""
    limit = whole_number(request.args.get("limit"), "limit", _LIMIT)
    return limit, whole_number(request.args.get("offset"), "offset", 0)


def _envelope(status: int = 200, **page: int) -> dict[str, Any]:
    numbers = {"responseCode": status, "limit": 0, "offset": 0, "count": 0, "size": 0, **page}
    return {**numbers, "metaData": {}, "messages": []}


def without_absent(body: dict[str, Any]) -> dict[str, Any]:
    """The keys that have a value: null is not one here."""
    return {key: value for key, value in body.items() if value is not None}


def milliseconds(at: float | None) -> int | None:
    """A time as whole milliseconds since 1970."""
    return None if at is None else int(at * 1000)
