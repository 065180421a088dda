"""Who may come in, and which batch is meant."""

from __future__ import annotations

from flask import request

from api.auth import READ, Caller, authenticate, in_header
from api.dialects.dialect import bearer
from api.parts import parts
from jobengine.domain.errors import EngineError, not_found
from jobengine.domain.ids import parse_id
from jobengine.domain.records import Batch, Role


def caller(allowed: frozenset[Role] = READ) -> Caller:
    """The caller whose key is the ``Authorization`` header, bare or after ``Bearer``."""
    return authenticate(bearer() or request.headers.get("Authorization"), allowed, sent_as=in_header("Authorization"))


def known_id(text: str) -> str:
    """The ID that a text spells; raises EngineError(NOT_FOUND) for every other text, as for unknown IDs."""
    try:
        return parse_id(text)
    except EngineError:
        raise not_found("batch or job", text) from None


def find_batch(who: Caller, text: str) -> Batch:
    """The batch of that ID; raises EngineError(NOT_FOUND)."""
    return parts().queries.batches.get(who.sees, known_id(text))
