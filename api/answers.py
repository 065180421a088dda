"""What every answer says to whoever passes it on or shows it."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response


def install(app: Flask) -> None:
    """Add the headers to all answers of the application, refusals included."""
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    # Caches on the way know `Authorization` for a key, but none of the other headers that keys come in: without this,
    # one could answer an owner with what it was told for another.
    response.headers.setdefault("Cache-Control", "no-store")
    # What users uploaded, or named and a refusal repeats, is never run by a browser as a page of this site.
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.status_code == HTTPStatus.PERMANENT_REDIRECT:
        _stay_here(response)
    return response


def _stay_here(response: Response) -> None:
    """Lead to the path alone; the framework's own redirect, where one has two slashes, names host and scheme as well.

    Behind a proxy those are not what the client sees, and one that is led from https to http tells everybody its key.
    """
    response.headers["Location"] = urlsplit(response.headers["Location"])._replace(scheme="", netloc="").geturl()
    response.data = b""
