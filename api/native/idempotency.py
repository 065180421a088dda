"""``Idempotency-Key``: by what a request is known again."""

from __future__ import annotations

import hashlib

from flask import request

from jobengine.domain.errors import invalid

_HEADER = "Idempotency-Key"
_LENGTH = 300


def idempotency_key() -> str | None:
    """The key of this request, if it has one; raises EngineError(INVALID) for one that cannot be kept whole."""
    key = request.headers.get(_HEADER)
    if key is not None and not 0 < len(key) <= _LENGTH:
        raise invalid(f"A key has 1 to {_LENGTH} characters.", _HEADER)
    return key


def body_digest() -> str:
    """What tells this request from others: where it went, and each byte of it."""
    return hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).hexdigest()
