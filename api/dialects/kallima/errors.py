"""Refusals as the framework of the real system words them: one ``detail``."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify, request

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """The sentence; for a field, in a list with the place of it."""
    detail: object = refusal.sentence
    if refusal.status == 422:
        field = refusal.field or "job_id"
        place = "query" if field in request.args else "path"
        detail = [{"loc": [place, field], "msg": refusal.message, "type": "value_error"}]
    elif refusal.is_of_framework:
        detail = HTTPStatus(refusal.status).phrase
    response = jsonify({"detail": detail})
    response.status_code = refusal.status
    return response
