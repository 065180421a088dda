"""What the catalog holds before any worker has announced anything: the step and pipeline of external work."""

from __future__ import annotations

import hashlib

from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import EXTERNAL_STEP
from jobengine.domain.records import Node, Pipeline, PipelineState, Scope, StepSpec

EXTERNAL_PIPELINE = "external"
"""The pipeline of jobs whose work is done and reported by somebody outside."""

_STEP = StepSpec(
    name=EXTERNAL_STEP,
    version="1",
    scope=Scope.JOB,
    result_kind="external",
    title="External work",
    description="Done by somebody outside, who moves the task over HTTP.",
)


def builtin_pipeline(
    name: str, version: int, title: str, description: str, nodes: tuple[Node, ...], now: float
) -> Pipeline:
    """A published pipeline without an owner; its ID follows from name and version, so all engines make the same."""
    identifier = hashlib.sha256(f"{name}@{version}".encode()).hexdigest()[:24]
    return Pipeline(identifier, None, name, version, PipelineState.PUBLISHED, title, description, nodes, now, now)


def put_builtins(ledger: Ledger, now: float) -> None:
    """Write the built-in step and pipeline where they are missing."""
    if EXTERNAL_STEP not in ledger.catalog.steps():
        ledger.catalog.put_steps([_STEP], now)
    if ledger.catalog.find_pipeline(None, EXTERNAL_PIPELINE) is None:
        node = Node(key="work", step=EXTERNAL_STEP)
        pipeline = builtin_pipeline(EXTERNAL_PIPELINE, 1, "External work", _STEP.description, (node,), now)
        ledger.catalog.put_pipelines([pipeline])
