"""What operations refuse, as the description has it: which statuses follow from what an operation is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.auth import READ
from api.errors import CODES

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "status", "code", "detail", "field", "request_id"],
    "properties": {
        "type": {"const": "about:blank"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "enum": sorted(set(CODES.values()))},
        "detail": {"type": "string", "description": "A sentence for people."},
        "field": {"type": ["string", "null"], "description": "The place in the request that is wrong."},
        "request_id": {"type": "string", "description": "By which the log of the server finds the request."},
    },
}
REQUEST_ID = {
    "description": "By which the log of the server finds the request.",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
_RETRY_AFTER = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}}
_HEADERS = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}
_SENTENCES = {
    400: "The body cannot be read.",
    401: "There is no valid key.",
    403: "The key's role may not do this.",
    404: "There is no such thing, or it belongs to somebody else.",
    413: "The body is too large, or asks for too much at once.",
    415: "The body is of another type.",
    422: "A field cannot be accepted; it is named.",
    429: "A limit of the owner is reached.",
    500: "Something broke here; the log has it under the request ID.",
    503: "The ledger or the artifact store cannot be reached; try again.",
}


def components() -> dict[str, Any]:
    """The refusals that many operations have, by name."""
    return {_name(status): refusal(status, sentence) for status, sentence in _SENTENCES.items()}


def refusal(status: int, sentence: str) -> dict[str, Any]:
    """A refusal with its body and headers."""
    return {
        "description": sentence,
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestID"}, **_HEADERS.get(status, {})},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def complete(path: str, operation: dict[str, Any], view: Callable[..., Any]) -> None:
    """Add the refusals that follow from what the operation is, and give those of its own their body."""
    responses = operation["responses"]
    # What the framework would say is answered here in our words: those answers are references to its own.
    for status in [status for status, answer in responses.items() if "$ref" in answer]:
        del responses[status]
    own = {int(status): answer["description"] for status, answer in responses.items() if int(status) >= 400}
    for status in _implied(path, operation, view) - own.keys():
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    for status, sentence in own.items():
        responses[str(status)] = refusal(status, sentence)
    operation["responses"] = dict(sorted(responses.items()))


def _implied(path: str, operation: dict[str, Any], view: Callable[..., Any]) -> set[int]:
    # A query that nobody reads is refused as well (422), and each key may come too often (429).
    statuses = {401, 422, 429, 500, 503}
    if getattr(view, "roles", READ) != READ:
        statuses.add(403)
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {400, 413, 415}
    return statuses


def _name(status: int) -> str:
    return f"Refused{status}"
