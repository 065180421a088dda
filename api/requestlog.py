"""An ID for every request: in the log, in the answer, and in the body of every error."""

from __future__ import annotations

import logging
import time
import uuid
from urllib.parse import quote

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Number the requests of the application, and log each when it is answered."""

    def begin() -> None:
        g.request_id = uuid.uuid4().hex
        g.began_at = time.monotonic()

    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        seconds = time.monotonic() - g.began_at
        log.info("%s %s %s %d %.3fs", g.request_id, request.method, _spelled_path(), response.status_code, seconds)
        return response

    app.before_request(begin)
    app.after_request(end)


def _spelled_path() -> str:
    """The path in one line: what begins another, or is not seen at all, as it was sent."""
    return "".join(sign if sign.isprintable() else quote(sign) for sign in request.path)
