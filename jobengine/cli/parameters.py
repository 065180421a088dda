"""Parameters of a job as words: ``segment.sigma=1.5``, or ``sigma=1.5`` where only one step has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from jobengine.cli.client import ApiClient
from jobengine.cli.pipelines import find_pipeline
from jobengine.domain.errors import EngineError
from jobengine.domain.records import Node, Scope, StepSpec
from jobengine.verbs.checking import check_node_parameters


def parse_parameters(
    api: ApiClient, pipeline: str, words: Sequence[str], parent: str | None = None
) -> dict[str, dict[str, Any]]:
    """The parameters by node; a value that is JSON is taken as JSON, every other as text.

    They are checked as the API will check them, so that nothing is uploaded for a job that would be refused. Raises
    ClickException for an unknown pipeline, a word that is none, what the pipeline's steps cannot use, and a pipeline
    that works on a parent where there is none.
    """
    nodes = [_as_node(node) for node in find_pipeline(api, pipeline)["nodes"]]
    if parent is None and any(node.from_parent for node in nodes):
        raise click.UsageError(f"The pipeline {pipeline!r} works on an earlier job; name that one by --parent.")
    steps = {step["name"]: _as_spec(step) for step in api.all("steps")}
    parsed = _parse(words, nodes, steps)
    for node in nodes:
        if node.key in parsed and node.step in steps:
            _check(node, parsed[node.key], steps[node.step])
    return parsed


def _as_node(node: Mapping[str, Any]) -> Node:
    return Node(node["key"], node["step"], from_parent=tuple(node["from_parent"]), parameters=node["parameters"])


def _as_spec(step: Mapping[str, Any]) -> StepSpec:
    return StepSpec(step["name"], step["version"], Scope(step["scope"]), step["result_kind"], step["parameters_schema"])


def _parse(words: Sequence[str], nodes: Sequence[Node], steps: Mapping[str, StepSpec]) -> dict[str, dict[str, Any]]:
    known = {node.key: _names(steps.get(node.step)) for node in nodes}
    parsed: dict[str, dict[str, Any]] = {}
    for word in words:
        place, equals, text = word.partition("=")
        key, dot, name = place.partition(".")
        if not equals or not key or (dot and not name):
            raise _refusal(f"{word!r} is not NAME=VALUE, like segment.sigma=1.5 or sigma=1.5.")
        if not dot:
            key, name = _find_node(place, known), place
        if key not in known:
            raise _refusal(f"The pipeline has no step {key!r}; it has {', '.join(sorted(known))}.")
        if name in parsed.setdefault(key, {}):
            raise _refusal(f"{key}.{name} is given twice.")
        parsed[key][name] = _value(text)
    return parsed


def _check(node: Node, given: Mapping[str, Any], step: StepSpec) -> None:
    try:
        check_node_parameters(node, given, step)
    except EngineError as error:
        raise _refusal(f"{(error.field or '').removeprefix('parameters.')}: {error.message}") from None


def _names(step: StepSpec | None) -> set[str]:
    return set(step.parameters_schema.get("properties", {})) if step else set()


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
