"""Refusals as Biodock's clients may read them: JSON with a message and a code."""

from __future__ import annotations

from flask import Response, g, jsonify, request

from api.errors import Refusal

_FIELDS = {"pipeline": "pipelineId", "files": "filesystemIds", "folder": "destinationFolder"}
"""Our names of fields and the page's."""


def render(refusal: Refusal) -> Response:
    """A message for people, a code for programs, and the request's ID for whoever reads the log."""
    status = 400 if refusal.status == 422 else refusal.status
    response = jsonify(
        {"message": _sentence(refusal), "error": refusal.code, "statusCode": status, "requestId": g.get("request_id")}
    )
    response.status_code = status
    return response


def _sentence(refusal: Refusal) -> str:
    if refusal.field is None:
        return refusal.message
    # Folders stand for many files, so the place of one says nothing to whoever named them.
    name = refusal.field.partition(".")[0]
    if name == "name" and request.path.rstrip("/").endswith("/upload-file"):
        name = "fileName"
    return f"{_FIELDS.get(name, name)}: {refusal.message}"
