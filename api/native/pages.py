"""What is described by hand: the upload, which no schema reads, and what needs no key."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
UPLOAD = {
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


def _page(summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A page that is always there."""
    headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestID"}}
    answer = {"description": summary, "headers": headers, "content": {media_type: {"schema": schema}}}
    return {"summary": summary, "security": [], "tags": ["health"], "responses": {"200": answer}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


_STATE = {"type": "string", "enum": ["ok", "unavailable"]}
_READY = _page(
    "Whether submissions are accepted, and each dependency by name.",
    "application/json",
    _object(
        status=_STATE,
        dependencies={"type": "object", "additionalProperties": _STATE},
    ),
)
_READY["responses"]["503"] = {**_READY["responses"]["200"], "description": "Submissions are not accepted now."}
_METRICS = _page("Numbers of the whole system for Prometheus.", "text/plain", _TEXT)
_METRICS["responses"] |= {status: {"$ref": f"#/components/responses/Refused{status}"} for status in ("500", "503")}

PAGES: dict[str, dict[str, Any]] = {
    "/health/live": {
        "get": _page("Whether the process is alive.", "application/json", _object(status={"const": "ok"}))
    },
    "/health/ready": {"get": _READY},
    "/version": {"get": _page("The version that runs.", "application/json", _object(version=_TEXT))},
    "/metrics": {"get": _METRICS},
}
