"""The description of the native API, made true: every error that each operation can answer is in it."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify
from flask_smorest import Api

_PROBLEM = {
    "type": "object",
    "required": ["type", "status", "code", "detail", "field", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "field": {"type": ["string", "null"], "description": "The place in the request that is wrong."},
        "request_id": {"type": ["string", "null"], "description": "By which the log of the server finds the request."},
    },
}
_ERRORS = {
    "400": "The request cannot be read.",
    "401": "There is no valid key.",
    "403": "The key's role may not do this, or the address is not valid any more.",
    "404": "There is no such thing, or it belongs to somebody else.",
    "405": "The method is not one of this path.",
    "409": "The state of the thing does not allow this.",
    "413": "The body is too large.",
    "415": "The body is of a type that is not read here.",
    "422": "A field cannot be accepted; it is named.",
    "429": "A limit of the owner is reached.",
    "503": "The ledger cannot be reached; try again.",
}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_TEXT = {"type": "string"}
_HEALTH: dict[str, tuple[str, dict[str, Any]]] = {
    "/health/live": ("Whether the process is alive.", {"status": _TEXT}),
    "/health/ready": (
        "Whether submissions are accepted, and each dependency by name.",
        {"status": _TEXT, "dependencies": {"type": "object", "additionalProperties": _TEXT}},
    ),
    "/version": ("The version that runs.", {"version": _TEXT}),
}
_UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
                    "folder": {"type": "string", "maxLength": 255},
                },
            }
        }
    },
}
_PARTIAL = {
    "206": {"description": "The range that was asked for."},
    "304": {"description": "The client has it already."},
    "416": {"description": "There is no such range."},
}


def install(app: Flask, api: Api) -> None:
    """Serve the description at ``/api/v1/openapi.json``."""
    description: dict[str, Any] = {}

    def get_description() -> Response:
        if not description:
            description.update(describe(api))
        return jsonify(description)

    app.add_url_rule("/api/v1/openapi.json", "openapi", get_description)
    app.extensions["jobengine-description"] = lambda: description or describe(api)


def describe(api: Api) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = api.spec.to_dict()
    document["components"]["schemas"]["Problem"] = _PROBLEM
    document["components"]["securitySchemes"] = _SCHEMES
    # A key may come in X-API-Key as well; one way is described as the way.
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in ("get", "post", "put", "patch", "delete"):
                _complete(operation)
    document["paths"]["/api/v1/files"]["post"]["requestBody"] = _UPLOAD
    for path in (
        "/api/v1/files/{file_id}/content",
        "/api/v1/artifacts/{artifact_id}/content",
        "/api/v1/tasks/{task_id}/log",
    ):
        document["paths"][path]["get"]["responses"].update(_PARTIAL)
    content = document["paths"]["/api/v1/artifacts/{artifact_id}/content"]["get"]
    # A signed address needs no key.
    content["security"] = [{}, {"bearer": []}]
    for address, (summary, properties) in _HEALTH.items():
        document["paths"][address] = {"get": _health(summary, properties)}
    return document


def _complete(operation: dict[str, Any]) -> None:
    """Put our errors in the place of the framework's."""
    responses = operation["responses"]
    for status in ("default", *_ERRORS):
        responses.pop(status, None)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in _ERRORS.items():
        responses[status] = {"description": description, "content": content}


def _health(summary: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    answer = {"description": summary, "content": {"application/json": {"schema": schema}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    not_allowed = {"description": _ERRORS["405"], "content": problem}
    return {"summary": summary, "security": [], "responses": {"200": answer, "503": answer, "405": not_allowed}}
