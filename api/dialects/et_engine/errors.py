"""Refusals as ET Engine words them: plain text."""

from __future__ import annotations

from flask import Response, request

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """One line; what is not there and what is somebody else's look the same."""
    status = {404: 403, 422: 400}.get(refusal.status, refusal.status)
    if refusal.is_of_framework:
        status = refusal.status
    return Response(_text(refusal, status), status, mimetype="text/plain")


def _text(refusal: Refusal, status: int) -> str:
    match status:
        case 401 if "Authorization" not in request.headers:
            return "Missing authorization header"
        case 401 if request.headers["Authorization"].startswith("Bearer "):
            return "Unknown authentication error in Bearer token"
        case 401:
            return "Unknown authentication error in API key"
        case 403:
            return "Access denied"
        case 500:
            return "Unknown error occurred"
        case _:
            return refusal.sentence
