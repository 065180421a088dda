"""Errors: one table from code to status, and the native wording, ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, NotFound

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
_ID_SENTENCE = "An ID has exactly 24 hexadecimal digits, or is such an ID spelled as a UUID."
CODES = {status: code.value for code, status in STATUSES.items()} | {
    # What only the framework refuses.
    405: "method_not_allowed",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What went wrong with a request, before anybody's wording; ``status`` is the native API's."""

    status: int
    code: str
    message: str
    field: str | None = None
    retry_after_seconds: float | None = None
    allowed: tuple[str, ...] = ()
    content_range: str | None = None
    is_of_framework: bool = False
    """No view was reached: there is no such path or method, or the server broke."""

    @property
    def sentence(self) -> str:
        """The message with the field in front."""
        return f"{self.field}: {self.message}" if self.field else self.message


class Wording(Protocol):
    """A surface that words the refusals of its own requests.

    ``scheme`` is how its keys come in ``Authorization``, None where they come elsewhere.
    """

    @property
    def claims(self) -> Callable[[], bool]: ...
    @property
    def render(self) -> Callable[[Refusal], Response]: ...
    @property
    def scheme(self) -> str | None: ...


def install(app: Flask, wordings: Sequence[Wording] = ()) -> None:
    """Answer every error of the application in the words of the surface whose request it was, else in ours."""

    def answer(refusal: Refusal) -> Response:
        wording = next((wording for wording in wordings if wording.claims()), None)
        if wording is None:
            return _with_headers(render_problem(refusal), refusal, "Bearer")
        return _with_headers(wording.render(refusal), refusal, wording.scheme)

    app.register_error_handler(EngineError, lambda error: answer(_of_engine(error)))
    app.register_error_handler(HTTPException, lambda error: answer(_of_framework(error)))
    app.register_error_handler(Exception, lambda error: answer(_of_defect(error)))


def render_problem(refusal: Refusal) -> Response:
    """The native API's wording."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.message,
        "field": refusal.field,
        "request_id": g.get("request_id"),
    }
    return Response(json.dumps(body) + "\n", refusal.status, mimetype="application/problem+json")


def _with_headers(response: Response, refusal: Refusal, scheme: str | None) -> Response:
    if refusal.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(math.ceil(refusal.retry_after_seconds))
    if response.status_code == 401 and scheme is not None:
        response.headers["WWW-Authenticate"] = scheme
    if refusal.allowed:
        response.headers["Allow"] = ", ".join(refusal.allowed)
    if refusal.content_range:
        response.headers["Content-Range"] = refusal.content_range
    return response


def _of_engine(error: EngineError) -> Refusal:
    message = error.message
    if error.code is ErrorCode.UNAVAILABLE:
        # What follows the colon is for whoever runs the system: it names hosts and paths.
        log.warning("request %s: %s", g.get("request_id"), message)
        message = message.partition(": ")[0].removesuffix(".") + "."
    return Refusal(STATUSES[error.code], error.code.value, message, error.field, error.retry_after_seconds)


def _of_framework(error: HTTPException) -> Refusal:
    status = error.code or 500
    code = CODES.get(status, ErrorCode.INVALID.value)
    field, message = _first_message(getattr(error, "data", None))
    allowed = tuple(sorted(getattr(error, "valid_methods", None) or ()))
    sentence = message or _sentence(error, status)
    length = getattr(error, "length", None) if status == 416 else None
    return Refusal(
        status,
        code,
        sentence,
        field,
        allowed=allowed,
        content_range=None if length is None else f"bytes */{length}",
        is_of_framework=status in (404, 405),
    )


def _sentence(error: HTTPException, status: int) -> str:
    if status == 404 and error.description == NotFound.description:
        return "There is nothing at this path. " + _ID_SENTENCE
    return error.description or "The request cannot be answered."


def _of_defect(error: Exception) -> Refusal:
    log.exception("request %s broke", g.get("request_id"))
    sentence = "Something broke here; the log has it under the request ID."
    return Refusal(500, ErrorCode.INTERNAL.value, sentence, is_of_framework=True)


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
