"""The description of the native API, made from the routes, and true: each operation has all that it can answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask, Response, jsonify
from flask_smorest import Api

from api.native import refusals
from api.native.contents import describe_contents
from api.native.pages import PAGES, UPLOAD
from jobengine.domain.records import Role

METHODS = ("get", "post", "put", "patch", "delete")
_ABOUT = (
    "Send an API key with every request. A method that a path does not have answers 405 with the header `Allow`, "
    "and a path that there is none of 404, in the shape of every other refusal."
)
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_KEYS: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}]


def make_api(app: Flask) -> Api:
    """What gathers the routes; shapes are described without our suffix."""
    return Api(app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_public_name)})


def install(app: Flask, api: Api) -> None:
    """Serve the description at ``/api/v1/openapi.json``."""
    description: dict[str, Any] = {}

    def read() -> dict[str, Any]:
        if not description:
            description.update(describe(app, api))
        return description

    def get_description() -> Response:
        return jsonify(read())

    app.add_url_rule("/api/v1/openapi.json", "openapi", get_description)
    app.extensions["jobengine-description"] = read


def describe(app: Flask, api: Api) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = api.spec.to_dict()
    document["info"]["description"] = _ABOUT
    document["security"] = _KEYS
    components = document["components"]
    components["securitySchemes"] = _SCHEMES
    components["headers"] = {"RequestID": refusals.REQUEST_ID}
    components["responses"] = refusals.components()
    # The framework's own, which no operation answers.
    for name in ("ErrorSchema", "PaginationMetadataSchema"):
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = refusals.PROBLEM
    document["paths"]["/api/v1/files"]["post"]["requestBody"] = UPLOAD
    for path, method, operation, view in _operations(app, document):
        _complete(path, method, operation, view)
    document["paths"].update(PAGES)
    return document


def _operations(app: Flask, document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], Callable[..., Any]]]:
    """Each operation of the document with its path, method and view."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
        item = document["paths"].get(path, {})
        for method in METHODS:
            if method.upper() in (rule.methods or ()) and method in item:
                yield path, method, item[method], app.view_functions[rule.endpoint]


def _complete(path: str, method: str, operation: dict[str, Any], view: Callable[..., Any]) -> None:
    operation["operationId"] = view.__name__
    for parameter in operation.get("parameters", []):
        _describe_absent(parameter["schema"])
    roles = getattr(view, "roles", None)
    if roles is None:
        # A signed address needs no key.
        operation["security"] = [{}, *_KEYS]
    elif roles != frozenset(Role):
        words = " or ".join(role.value for role in Role if role in roles)
        operation["description"] = f"{operation.get('description', '')}\n\nFor the role {words}.".strip()
    for name in ("summary", "description"):
        if name in operation:
            operation[name] = operation[name].replace("``", "`")
    refusals.complete(path, operation, view)
    describe_contents(operation)


def _describe_absent(schema: dict[str, Any]) -> None:
    """What may be left out of a query is null within, but null cannot be sent."""
    if schema.get("default", ...) is None:
        del schema["default"]
    kinds = schema.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        schema["type"] = next(kind for kind in kinds if kind != "null")


def _public_name(schema: Any) -> str:
    found = resolve_schema_cls(schema)
    return str((found[0] if isinstance(found, list) else found).__name__).removesuffix("Shape")
