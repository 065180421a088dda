"""Where this dialect lives, who may come in, and the envelope of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.auth import READ, Caller, authenticate
from api.dialects.dialect import whole_number
from jobengine.domain.records import Role

blueprint = Blueprint("argus", __name__)
PREFIX = "/sampledb/v2"
_LIMIT = 25


def caller(allowed: frozenset[Role] = READ) -> Caller:
    """The caller whose key is in ``Argus-API-Key``."""
    return authenticate(request.headers.get("Argus-API-Key"), allowed)


def stash(data: Any, status: int = 200, **page: int) -> Response:
    """An answer in the envelope that everything has, one object as well."""
    body = {"responseCode": status, "limit": 0, "offset": 0, "count": 0, "size": 0, **page}
    response = jsonify({**body, "metaData": {}, "messages": [], "data": data})
    response.status_code = status
    return response


def listed(items: Sequence[dict[str, Any]], count: int, limit: int, offset: int) -> Response:
    """A list in the envelope; ``count`` is how many there are in all."""
    return stash(list(items), limit=limit, offset=offset, count=count, size=len(items))


def stretch() -> tuple[int, int]:
    """``limit`` (0 is no limit) and ``offset`` of the query."""
    limit = whole_number(request.args.get("limit"), "limit", _LIMIT)
    return limit, whole_number(request.args.get("offset"), "offset", 0)


def without_absent(body: dict[str, Any]) -> dict[str, Any]:
    """The keys that have a value: null is not one here."""
    return {key: value for key, value in body.items() if value is not None}


def milliseconds(at: float | None) -> int | None:
    """A time as whole milliseconds since 1970."""
    return None if at is None else int(at * 1000)
