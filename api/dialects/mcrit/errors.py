"""Refusals as MCRIT words them: the failed envelope, and bare titles for what the framework refuses."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify, request

from api.errors import Refusal


def render(refusal: Refusal) -> Response:
    """The body by status."""
    status = 400 if refusal.status == 422 else refusal.status
    response = jsonify(_body(refusal, status))
    response.status_code = status
    return response


def _body(refusal: Refusal, status: int) -> dict[str, object]:
    if status == 401 and "apitoken" not in request.headers:
        description = f"Please provide an auth token as part of the request. {refusal.message}"
        return {"title": "API token required", "description": description}
    if status == 401:
        description = f"The provided API token is not valid. {refusal.message}"
        return {"title": "Authentication required", "description": description}
    if status in (405, 500) or refusal.is_of_framework:
        return {"title": f"{status} {HTTPStatus(status).phrase}"}
    return {"status": "failed", "data": {"message": refusal.sentence}}
