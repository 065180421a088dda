"""What a worker announces: its steps, the built-in pipelines of its fields, its slots and hardware.

The body of an ANNOUNCED report is one JSON object; the reader refuses what it does not understand with ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from jobengine.domain.records import Node, RetryPolicy, Scope, StepSpec


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A pipeline that comes with a field; it is published when it is first announced and never changes again."""

    name: str
    version: int
    nodes: tuple[Node, ...]
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one worker process can do."""

    hostname: str
    slots: int
    queues: tuple[str, ...]
    steps: tuple[StepSpec, ...] = ()
    pipelines: tuple[PipelineSpec, ...] = ()
    hardware: Mapping[str, Any] = field(default_factory=dict)


def encode_announcement(announcement: Announcement) -> dict[str, Any]:
    """The body of the report that carries it."""
    body = asdict(announcement)
    for step in body["steps"]:
        step["scope"] = Scope(step["scope"]).value
    return body


def decode_announcement(body: Mapping[str, Any]) -> Announcement:
    """The announcement that a report's body spells; raises ValueError for anything else."""
    try:
        fields = dict(body)
        fields["queues"] = tuple(body["queues"])
        fields["steps"] = tuple(_decode_step(step) for step in body.get("steps", ()))
        fields["pipelines"] = tuple(_decode_pipeline(pipeline) for pipeline in body.get("pipelines", ()))
        return Announcement(**fields)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not an announcement: {error}") from error


def check_step(spec: StepSpec) -> None:
    """Raise ValueError for numbers that no dispatcher or worker could keep to."""
    seconds = {"time_limit_seconds": spec.time_limit_seconds, "delay_seconds": spec.retry.delay_seconds}
    for name, value in seconds.items():
        if not (isinstance(value, int | float) and 0 <= value < math.inf):
            raise ValueError(f"{name} of the step {spec.name!r} is {value!r}, and not a number of seconds")
    if spec.time_limit_seconds == 0:
        raise ValueError(f"time_limit_seconds of the step {spec.name!r} is 0, which leaves no time to run")
    whole = {"tasks_per_delivery": spec.tasks_per_delivery}
    if spec.memory_limit_bytes is not None:
        whole["memory_limit_bytes"] = spec.memory_limit_bytes
    for name, count in whole.items():
        if not (isinstance(count, int) and count > 0):
            raise ValueError(f"{name} of the step {spec.name!r} is {count!r}, and not a whole number from 1 on")


def _decode_step(data: Mapping[str, Any]) -> StepSpec:
    fields = dict(data)
    fields["scope"] = Scope(data["scope"])
    fields["retry"] = RetryPolicy(**data.get("retry", {}))
    fields["accepts"] = tuple(data.get("accepts", ()))
    spec = StepSpec(**fields)
    check_step(spec)
    return spec


def _decode_pipeline(data: Mapping[str, Any]) -> PipelineSpec:
    fields = dict(data)
    fields["nodes"] = tuple(_decode_node(node) for node in data["nodes"])
    return PipelineSpec(**fields)


def _decode_node(data: Mapping[str, Any]) -> Node:
    fields = dict(data)
    fields["after"] = tuple(data.get("after", ()))
    fields["from_parent"] = tuple(data.get("from_parent", ()))
    return Node(**fields)
