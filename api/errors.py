"""Errors of the native API: ``application/problem+json`` (RFC 9457), one table from code to status."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from jobengine.domain.errors import EngineError, ErrorCode

log = logging.getLogger(__name__)

STATUSES = {
    ErrorCode.INVALID: 422,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.LIMIT_REACHED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}
_CODES = {status: code for code, status in STATUSES.items()}


def install(app: Flask) -> None:
    """Answer every error of the application in this form."""
    app.register_error_handler(EngineError, _engine_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unknown_error)


def problem(
    status: int, code: str, message: str, field: str | None = None, retry_after_seconds: float | None = None
) -> Response:
    """An error's answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "status": status,
        "code": code,
        "detail": message,
        "field": field,
        "request_id": g.get("request_id"),
    }
    response = Response(json.dumps(body), status, mimetype="application/problem+json")
    if retry_after_seconds is not None:
        response.headers["Retry-After"] = str(math.ceil(retry_after_seconds))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _engine_error(error: EngineError) -> Response:
    return problem(STATUSES[error.code], error.code.value, error.message, error.field, error.retry_after_seconds)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code = _CODES[status].value if status in _CODES else "invalid"
    field, message = _first_message(getattr(error, "data", None))
    response = problem(status, code, message or error.description or "The request cannot be answered.", field)
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _unknown_error(error: Exception) -> Response:
    log.exception("request %s broke", g.get("request_id"))
    return problem(500, ErrorCode.INTERNAL.value, "Something broke here; the log has it under the request ID.")


def _first_message(data: Any) -> tuple[str | None, str | None]:
    """The first field and sentence of what marshmallow found: messages by place, field, and index."""
    found = data.get("messages") if isinstance(data, dict) else None
    path: list[str] = []
    while isinstance(found, dict) and found:
        key, found = next(iter(found.items()))
        path.append(str(key))
    if isinstance(found, list) and found:
        return ".".join(path[1:]) or None, str(found[0])
    return None, None
