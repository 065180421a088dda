"""Parameters of a step: described as JSON Schema for everybody else, loaded by marshmallow for the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, ValidationError

from jobengine.runtime.outcomes import Reject


def describe_parameters(schema: type[Schema]) -> dict[str, Any]:
    """The JSON Schema of a marshmallow schema, nested schemas inline; unknown names are refused."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda nested: "")
    APISpec("parameters", "1", "3.1.0", plugins=[plugin])
    if plugin.converter is None:
        raise RuntimeError("apispec did not set up its converter")
    described: dict[str, Any] = plugin.converter.schema2jsonschema(schema())  # type: ignore[no-untyped-call]
    return {"additionalProperties": False, **described}


def load_parameters(schema: type[Schema] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with their types and defaults; raises Reject with a sentence for what cannot be used."""
    if schema is None:
        return dict(given)
    try:
        loaded = schema().load(dict(given))
    except ValidationError as error:
        raise Reject(f"The parameters cannot be used: {error.messages}.") from None
    return dict(loaded)
