"""Parameters of a job as words: ``segment.sigma=1.5``, or ``sigma=1.5`` where only one step has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from jobengine.cli.client import ApiClient


def parse_parameters(api: ApiClient, pipeline: str, words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The parameters by node; a value that is JSON is taken as JSON, every other as text.

    The API is asked what the steps take only where a word does not name its step.
    """
    known: dict[str, set[str]] | None = None
    parsed: dict[str, dict[str, Any]] = {}
    for word in words:
        place, equals, text = word.partition("=")
        node, dot, name = place.partition(".")
        if not equals or not node or (dot and not name):
            raise _refusal(f"{word!r} is not NAME=VALUE, like segment.sigma=1.5 or sigma=1.5.")
        if not dot:
            known = known_parameters(api, pipeline) if known is None else known
            node, name = _find_node(place, known), place
        if name in parsed.setdefault(node, {}):
            raise _refusal(f"{node}.{name} is given twice.")
        parsed[node][name] = _value(text)
    return parsed


def known_parameters(api: ApiClient, pipeline: str) -> dict[str, set[str]]:
    """The parameter names of each node of a pipeline; raises ClickException when there is no such pipeline."""
    nodes = _nodes(api.all("pipelines"), pipeline)
    steps = {step["name"]: step for step in api.call("GET", "steps")["items"]}
    schemas = {node["key"]: steps.get(node["step"], {}).get("parameters_schema", {}) for node in nodes}
    return {key: set(schema.get("properties", {})) for key, schema in schemas.items()}


def _nodes(pipelines: Iterable[Mapping[str, Any]], wanted: str) -> Sequence[Mapping[str, Any]]:
    """The nodes of the pipeline with that ID, or the newest published of that name; ``name@version`` is one version."""
    name, _, version = wanted.partition("@")
    found = [
        pipeline
        for pipeline in pipelines
        if pipeline["id"] == wanted
        or (pipeline["name"] == name and pipeline["state"] == "published" and version in ("", str(pipeline["version"])))
    ]
    if not found:
        raise click.ClickException(f"There is no published pipeline {wanted!r}.")
    nodes: Sequence[Mapping[str, Any]] = max(found, key=lambda pipeline: pipeline["version"])["nodes"]
    return nodes


def _find_node(name: str, known: Mapping[str, set[str]]) -> str:
    nodes = [node for node, names in known.items() if name in names]
    if len(nodes) > 1:
        choices = " or ".join(f"{node}.{name}" for node in nodes)
        raise _refusal(f"{name!r} could be {choices}; say which.")
    if not nodes:
        choices = ", ".join(f"{node}.{choice}" for node, names in known.items() for choice in sorted(names))
        raise _refusal(f"No step of the pipeline has a parameter {name!r}. There are: {choices or 'none'}.")
    return nodes[0]


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _refusal(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--param")
