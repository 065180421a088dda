"""Refusals as the framework of the real system words them: one ``detail``."""

from __future__ import annotations

from flask import Response, jsonify

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """The sentence; for a field, in a list with the place of it."""
    detail: object = refusal.sentence
    if refusal.status == 422:
        detail = [{"loc": ["path", refusal.field or "job_id"], "msg": refusal.message, "type": "value_error"}]
    response = jsonify({"detail": detail})
    response.status_code = refusal.status
    return response
