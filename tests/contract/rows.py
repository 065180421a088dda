"""Rows for the ledger's tests, with the fields that a test does not care about filled in."""

from __future__ import annotations

import itertools
from typing import Any

from jobengine.domain.records import (
    Artifact,
    Attempt,
    Counts,
    File,
    Job,
    Node,
    Pipeline,
    PipelineState,
    Result,
    Scope,
    StepSpec,
    Task,
)
from jobengine.domain.states import JobState, TaskState

NOW = 1_700_000_000.25
OWNER = "a" * 24
OTHER_OWNER = "b" * 24
JOB = "c" * 24

_numbers = itertools.count(1)


def new_id() -> str:
    """An ID that is greater than all before it."""
    return f"{next(_numbers):024x}"


def make_task(**fields: Any) -> Task:
    """A task that is ready."""
    given: dict[str, Any] = {
        "id": new_id(),
        "job_id": JOB,
        "owner_id": OWNER,
        "node": "measure",
        "step": "test.measure",
        "file_id": None,
        "state": TaskState.READY,
        "priority": 5,
        "created_at": NOW,
    }
    return Task(**{**given, **fields})


def make_job(**fields: Any) -> Job:
    """A job that waits to start, with one ready task."""
    given: dict[str, Any] = {
        "id": new_id(),
        "owner_id": OWNER,
        "name": "a job",
        "pipeline_id": "d" * 24,
        "pipeline_name": "nuclei",
        "pipeline_version": 1,
        "state": JobState.PENDING,
        "counts": Counts(ready=1),
        "progress": 0,
        "priority": 5,
        "created_at": NOW,
    }
    return Job(**{**given, **fields})


def make_result(**fields: Any) -> Result:
    """A result of a task of its own."""
    given: dict[str, Any] = {
        "id": new_id(),
        "job_id": JOB,
        "task_id": new_id(),
        "owner_id": OWNER,
        "kind": "test.table",
        "step": "test.measure",
        "file_id": None,
        "data": {"objects": 3},
        "created_at": NOW,
    }
    return Result(**{**given, **fields})


def make_artifact(**fields: Any) -> Artifact:
    """An artifact of a result of its own."""
    given: dict[str, Any] = {
        "id": new_id(),
        "job_id": JOB,
        "task_id": new_id(),
        "result_id": new_id(),
        "owner_id": OWNER,
        "name": "table.csv",
        "media_type": "text/csv",
        "size_bytes": 10,
        "sha256": "1" * 64,
        "created_at": NOW,
    }
    return Artifact(**{**given, **fields})


def make_attempt(**fields: Any) -> Attempt:
    """An attempt that succeeded."""
    given: dict[str, Any] = {
        "task_id": new_id(),
        "number": 1,
        "job_id": JOB,
        "outcome": "succeeded",
        "accepted": True,
        "delivery_id": "e" * 24,
        "worker": "worker-1",
        "enqueued_at": NOW,
        "started_at": NOW + 1,
        "finished_at": NOW + 2,
    }
    return Attempt(**{**given, **fields})


def make_file(**fields: Any) -> File:
    """An uploaded picture."""
    given: dict[str, Any] = {
        "id": new_id(),
        "owner_id": OWNER,
        "name": "cells.png",
        "folder": "",
        "media_type": "image/png",
        "size_bytes": 100,
        "sha256": "2" * 64,
        "created_at": NOW,
    }
    return File(**{**given, **fields})


def make_pipeline(**fields: Any) -> Pipeline:
    """A published pipeline of one step."""
    given: dict[str, Any] = {
        "id": new_id(),
        "owner_id": None,
        "name": "nuclei",
        "version": 1,
        "state": PipelineState.PUBLISHED,
        "title": "Nuclei",
        "description": "",
        "nodes": (Node(key="measure", step="test.measure", parameters={"threshold": "otsu"}),),
        "created_at": NOW,
        "published_at": NOW,
    }
    return Pipeline(**{**given, **fields})


def make_step(**fields: Any) -> StepSpec:
    """A step on each file."""
    given: dict[str, Any] = {
        "name": "test.measure",
        "version": "1.0",
        "scope": Scope.FILE,
        "result_kind": "test.table",
        "parameters_schema": {"type": "object"},
        "accepts": ("image/png", "image/tiff"),
    }
    return StepSpec(**{**given, **fields})
