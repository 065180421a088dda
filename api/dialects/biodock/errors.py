"""Refusals as Biodock's clients may read them: JSON with a message and a code."""

from __future__ import annotations

from flask import Response, g, jsonify

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """A message for people, a code for programs, and the request's ID for whoever reads the log."""
    status = 400 if refusal.status == 422 else refusal.status
    response = jsonify(
        {"message": refusal.sentence, "error": refusal.code, "statusCode": status, "requestId": g.get("request_id")}
    )
    response.status_code = status
    return response
