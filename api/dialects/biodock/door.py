"""Where this dialect lives, and who may come in."""

from __future__ import annotations

from flask import Blueprint, request

from api.auth import READ, Caller, authenticate, in_header
from jobengine.domain.records import Role

blueprint = Blueprint("biodock", __name__, url_prefix="/api/external")
_HEADER = "X-API-KEY"


def caller(allowed: frozenset[Role] = READ) -> Caller:
    """The caller whose key is in ``X-API-KEY``."""
    return authenticate(request.headers.get(_HEADER), allowed, sent_as=in_header(_HEADER))
