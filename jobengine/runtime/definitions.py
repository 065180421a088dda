"""Declaring steps and pipelines: a decorator and a value, collected from the modules that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from marshmallow import Schema

from jobengine.domain.announcements import PipelineSpec, check_step
from jobengine.domain.records import Node, RetryPolicy, Scope, StepSpec
from jobengine.runtime.context import Context
from jobengine.runtime.parameters import describe_parameters

StepFunction = Callable[[Context], Mapping[str, Any]]

ATTRIBUTE = "__jobengine_step__"


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """A step with its code."""

    spec: StepSpec
    function: StepFunction
    parameters: type[Schema] | None


def step(
    name: str,
    *,
    version: str,
    scope: Scope | str,
    result_kind: str,
    parameters: type[Schema] | None = None,
    title: str = "",
    description: str = "",
    accepts: Sequence[str] = (),
    requires_all: bool = False,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
    time_limit_seconds: float = 3600.0,
    memory_limit_bytes: int | None = None,
    tasks_per_delivery: int = 1,
    resources: Mapping[str, Any] | None = None,
    queue: str = "default",
) -> Callable[[StepFunction], StepFunction]:
    """Make a function a step.

    ``scope`` is ``"file"`` (once for each file of a job) or ``"job"`` (once). ``accepts`` lists media types; a file of
    another type fails its task with a sentence that says so. ``requires_all`` makes a step that runs once per job
    insist on the success of all its predecessors. ``resources`` says what the step needs for people and schedulers to
    read; what decides where it runs is ``queue``. The function stays as it is and can be called. Raises ValueError for
    a declaration that cannot be kept or announced.
    """
    spec = StepSpec(
        name=name,
        version=version,
        scope=Scope(scope),
        result_kind=result_kind,
        parameters_schema=describe_parameters(parameters) if parameters else {},
        title=title or name,
        description=description,
        accepts=tuple(accepts),
        requires_all=requires_all,
        retry=retry,
        time_limit_seconds=time_limit_seconds,
        memory_limit_bytes=memory_limit_bytes,
        tasks_per_delivery=tasks_per_delivery,
        resources=dict(resources or {}),
        queue=queue,
    )
    check_step(spec)
    _check_json(asdict(spec), f"the step {name!r}")

    def attach(function: StepFunction) -> StepFunction:
        setattr(function, ATTRIBUTE, StepDefinition(spec, function, parameters))
        return function

    return attach


def pipeline(name: str, *, version: int, nodes: Sequence[Node], title: str = "", description: str = "") -> PipelineSpec:
    """A pipeline that comes with a field; bind it to a name in the module, and it is published with the steps."""
    spec = PipelineSpec(name, version, tuple(nodes), title or name, description)
    _check_json(asdict(spec), f"the pipeline {name!r}")
    return spec


def _check_json(declared: Mapping[str, Any], what: str) -> None:
    # It travels with all else that its worker says: where it cannot, no lease would be renewed.
    try:
        json.dumps(declared, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be announced as JSON: {error}") from None


def definition_of(function: object) -> StepDefinition | None:
    """The definition that ``step`` attached, if it did."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, StepDefinition) else None
