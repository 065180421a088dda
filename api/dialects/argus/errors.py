"""Refusals in the envelope of every other answer."""

from __future__ import annotations

from flask import Response, jsonify

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """What cannot be accepted is a 412 here, also where it conflicts with the state of something."""
    status = {400: 412, 409: 412, 422: 412}.get(refusal.status, refusal.status)
    message: dict[str, object] = {
        "message": refusal.message,
        "messageTemplate": refusal.message,
        "type": "FIELD_ERROR" if refusal.field else "ACTION_ERROR",
        "parameter": {},
    }
    if refusal.field:
        message["field"] = refusal.field
    body = {"responseCode": status, "limit": 0, "offset": 0, "count": 0, "size": 0, "metaData": {}}
    response = jsonify({**body, "messages": [message], "data": None})
    response.status_code = status
    return response
