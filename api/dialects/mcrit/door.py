"""Where this dialect lives, who may come in, and the envelope of its answers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.auth import READ, Caller, authenticate, in_header
from jobengine.domain.errors import invalid
from jobengine.domain.ids import is_id
from jobengine.domain.records import Role

blueprint = Blueprint("mcrit", __name__)
_HEADER = "apitoken"


def caller(allowed: frozenset[Role] = READ) -> Caller:
    """The caller whose key is in ``apitoken``."""
    return authenticate(request.headers.get(_HEADER), allowed, sent_as=in_header(_HEADER))


def successful(data: Any) -> Response:
    """An answer in the envelope."""
    return jsonify({"status": "successful", "data": data})


def flag(name: str) -> bool:
    """A truth value in the query, a word in any case; everything but "true" is false."""
    return request.args.get(name, "").strip().lower() == "true"


def number(name: str) -> int:
    """A whole number in the query; what is none counts as 0, as in the real system."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def checked_id(identifier: str, kind: str) -> str:
    """The ID; raises EngineError(INVALID) unless it is one from its first to its last digit."""
    if not is_id(identifier.lower()) or not identifier.isascii():
        raise invalid(f"Valid {kind}IDs are hexstrings with 24 characters.")
    return identifier.lower()
