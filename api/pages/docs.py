"""``/api/docs``: the description of the API as a page that needs no script and no internet."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app, render_template
from markupsafe import Markup, escape

blueprint = Blueprint("docs", __name__, url_prefix="/api", template_folder="templates")


@blueprint.get("/docs")
def show_docs() -> Response:
    """The page."""
    description = current_app.extensions["jobengine-description"]()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                group = (operation.get("tags") or ["health"])[0]
                groups.setdefault(group, []).append(_entry(path, method, operation, operations, description))
    about = {tag["name"]: tag.get("description", "") for tag in description.get("tags", [])}
    response = Response(render_template("docs.html", groups=groups, about=about, info=description["info"]))
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


@blueprint.app_template_filter()
def with_code(text: str | None) -> Markup:
    """The text, with what stands between backticks set as code."""
    pieces = (text or "").replace("``", "`").split("`")
    marked = (Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces))
    return Markup("").join(marked)


def _entry(
    path: str, method: str, operation: dict[str, Any], shared: dict[str, Any], description: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    fine = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    elsewhere = {status for status in operation["responses"] if status.startswith("3")}
    return {
        "path": path,
        "method": method.upper(),
        "about": f"{operation.get('summary', '')} {operation.get('description', '')}",
        "parameters": [
            {**parameter, "kind": _kind(parameter["schema"])}
            for parameter in [*shared.get("parameters", []), *operation.get("parameters", [])]
        ],
        "body": [
            (kind, _spelled(entry.get("schema", {}), description), _required(entry.get("schema", {}), description))
            for kind, entry in body.items()
        ],
        "answers": [
            (status, kind, _spelled(entry.get("schema", {}), description))
            for status, answer in fine.items()
            for kind, entry in (answer.get("content") or {"": {}}).items()
        ],
        "elsewhere": sorted(elsewhere),
        "errors": sorted(set(operation["responses"]) - set(fine) - elsewhere),
    }


def _kind(schema: dict[str, Any]) -> str:
    """What a parameter may be: its words, else its type; of a list, those of each of its members."""
    if schema.get("type") == "array":
        return f"one or several: {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(str(word) for word in schema["enum"] if word is not None)
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, str) else ", ".join(kind for kind in kinds if kind != "null")


def _required(schema: dict[str, Any], description: dict[str, Any]) -> list[str]:
    """The members that a body must have."""
    return list(_resolved(schema, description).get("required", []))


def _spelled(schema: dict[str, Any], description: dict[str, Any]) -> str:
    """An example that shows the shape: types where values would be."""
    return json.dumps(_example(schema, description, 0), indent=2)


def _example(schema: dict[str, Any], description: dict[str, Any], depth: int) -> Any:
    schema = _resolved(schema, description)
    kind = schema.get("type")
    if depth > 4:
        return "…"
    if "properties" in schema:
        return {name: _example(entry, description, depth + 1) for name, entry in schema["properties"].items()}
    if kind == "array":
        return [_example(schema.get("items", {}), description, depth + 1)]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return " | ".join(kind) if isinstance(kind, list) else (kind or "anything")


def _resolved(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema
