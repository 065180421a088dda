"""What operations answer when all is well, as the description has it: headers, and bytes in ranges."""

from __future__ import annotations

from typing import Any

from api.native.refusals import refusal

_TEXT = {"type": "string"}
_RANGE_HEADERS = (
    ("Range", "The bytes that are wanted, like `bytes=0-1023`; one range."),
    ("If-Range", "Send the range only if the bytes are still those with this `ETag`, else all of them."),
)
_IF_NONE_MATCH = ("If-None-Match", "Send nothing (304) if the bytes are those with this `ETag`.")
_ETAG = {"description": "The name of these very bytes.", "required": True, "schema": _TEXT}
_LOCATION = {"description": "Where the bytes are.", "required": True, "schema": {"type": "string", "format": "uri"}}
_ACCEPT_RANGES = {"description": "Parts can be asked for.", "required": True, "schema": {"const": "bytes"}}
_CONTENT_RANGE = {"description": "Which bytes of how many.", "required": True, "schema": _TEXT}
_DISPOSITION = {"description": "Names the file.", "required": True, "schema": _TEXT}


def describe_contents(operation: dict[str, Any]) -> None:
    """Add what follows from the type of the answer: what is not JSON is bytes, which are sent in ranges as well."""
    responses = operation["responses"]
    media_types = set(responses.get("200", {}).get("content", {}))
    if media_types == {"application/octet-stream"}:
        _describe_download(operation)
    elif media_types == {"text/plain"}:
        _describe_ranges(operation, {"Accept-Ranges": _ACCEPT_RANGES})
        responses["416"] = refusal(416, "There is no such range.")
    operation["responses"] = dict(sorted(responses.items()))
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            headers = answer.setdefault("headers", {})
            headers["X-Request-ID"] = {"$ref": "#/components/headers/RequestID"}


def _describe_download(operation: dict[str, Any]) -> None:
    # Files are sent as the type that they came with.
    content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    headers = {"ETag": _ETAG, "Accept-Ranges": _ACCEPT_RANGES, "Content-Disposition": _DISPOSITION}
    operation["responses"]["200"]["content"] = content
    _describe_ranges(operation, headers)
    responses = operation["responses"]
    responses["206"]["content"] = content
    responses["302"] = {
        "description": "The artifact store itself serves the bytes, for some minutes, at an address that needs no key.",
        "headers": {"Location": _LOCATION},
    }
    responses["304"] = {"description": "The client has these bytes already.", "headers": {"ETag": _ETAG}}
    responses["416"] = refusal(416, "There is no such range.")
    responses["416"]["headers"]["Content-Range"] = _CONTENT_RANGE
    operation["parameters"].append(_header(*_IF_NONE_MATCH))


def _describe_ranges(operation: dict[str, Any], headers: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses["200"]["headers"] = dict(headers)
    responses["206"] = {
        "description": "The range that was asked for.",
        "headers": {**headers, "Content-Range": _CONTENT_RANGE},
        "content": responses["200"]["content"],
    }
    operation.setdefault("parameters", []).extend(_header(*entry) for entry in _RANGE_HEADERS)


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": _TEXT}
