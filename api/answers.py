"""What every answer says to whoever passes it on or shows it."""

from __future__ import annotations

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
    return response
