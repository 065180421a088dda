"""Where this dialect lives, and who may come in."""

from __future__ import annotations

from flask import Blueprint, request

from api.auth import READ, Caller, authenticate, in_header
from jobengine.domain.errors import invalid
from jobengine.domain.ids import is_id
from jobengine.domain.records import Role

blueprint = Blueprint("biodock", __name__, url_prefix="/api/external")
_HEADER = "X-API-KEY"


def caller(allowed: frozenset[Role] = READ) -> Caller:
    """The caller whose key is in ``X-API-KEY``."""
    return authenticate(request.headers.get(_HEADER), allowed, sent_as=in_header(_HEADER))


def starting_after(what: str) -> str | None:
    """The ID after which a list goes on, if the query has one; raises EngineError(INVALID) for what is no ID."""
    after = request.args.get("startingAfter") or None
    if after is not None and not is_id(after):
        raise invalid(f"This must be the ID of {what}.", "startingAfter")
    return after
