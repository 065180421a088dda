"""What the native API answers, as marshmallow schemas, and how records become them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, fields, validate

from api.artifact_urls import artifact_url
from api.native.members import (
    counts_member,
    digest_member,
    id_member,
    ids_member,
    time_member,
    word_member,
)
from jobengine.domain.records import Artifact, Attempt, File, Job, Pipeline, Result, StepSpec, Task
from jobengine.domain.rollup import fold_percentage
from jobengine.domain.states import FailureKind, JobState, TaskState
from jobengine.queries.jobs import FailedFile


class FileShape(Schema):
    """An uploaded file."""

    id = id_member()
    name = fields.String(required=True)
    folder = fields.String(required=True)
    media_type = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    sha256 = digest_member()
    created_at = time_member()


class ArtifactShape(Schema):
    """Bytes that a task made; ``url`` works without a key until it expires."""

    id = id_member()
    task_id = id_member()
    result_id = id_member()
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    sha256 = digest_member()
    url = fields.String(required=True, metadata={"format": "uri-reference"})


class JobShape(Schema):
    """A job."""

    id = id_member()
    name = fields.String(required=True)
    pipeline = fields.String(required=True)
    pipeline_version = fields.Integer(required=True)
    state = word_member(JobState)
    percentage = fields.Integer(required=True, validate=validate.Range(0, 100))
    counts = counts_member(TaskState)
    priority = fields.Integer(required=True)
    labels = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    parameters = fields.Dict(required=True, metadata={"description": "By step of the pipeline."})
    tolerated_failures = fields.Integer(required=True)
    parent = id_member("The job that it works on.", optional=True)
    batch = id_member(optional=True)
    retry_of = id_member("The job that it does again.", optional=True)
    created_at = time_member()
    started_at = time_member(optional=True)
    finished_at = time_member(optional=True)


class FailedFileShape(Schema):
    """A file on which a step failed, and why; ``name`` is null when the file was deleted."""

    file = id_member()
    name = fields.String(required=True, allow_none=True)
    task = id_member()
    step = fields.String(required=True)
    failure_kind = word_member(FailureKind, optional=True)
    message = fields.String(required=True)


class JobDetailShape(JobShape):
    """A job with its files, results and artifacts."""

    files = ids_member("In the order of the submission.")
    results = ids_member("Oldest first.")
    artifacts = fields.List(fields.Nested(ArtifactShape), required=True)
    failed_files = fields.List(fields.Nested(FailedFileShape), required=True)


class AttemptShape(Schema):
    """One try of a task; ``outcome`` and ``finished_at`` are null while it is under way."""

    number = fields.Integer(required=True)
    outcome = fields.String(required=True, allow_none=True)
    worker = fields.String(required=True, allow_none=True)
    started_at = time_member(optional=True)
    finished_at = time_member(optional=True)
    failure_kind = word_member(FailureKind, optional=True)
    message = fields.String(required=True)
    traceback = fields.String(required=True)
    cpu_seconds = fields.Float(required=True, allow_none=True)
    peak_memory_bytes = fields.Integer(required=True, allow_none=True)


class TaskShape(Schema):
    """A task."""

    id = id_member()
    job = id_member()
    node = fields.String(required=True)
    step = fields.String(required=True)
    file = id_member("Null where the step runs once for the job.", optional=True)
    state = word_member(TaskState)
    attempt = fields.Integer(required=True)
    progress = fields.Float(required=True, validate=validate.Range(0, 1))
    message = fields.String(required=True)
    failure_kind = word_member(FailureKind, optional=True)
    worker = fields.String(required=True, allow_none=True)
    created_at = time_member()
    started_at = time_member(optional=True)
    finished_at = time_member(optional=True)


class TaskDetailShape(TaskShape):
    """A task with its attempts."""

    attempts = fields.List(fields.Nested(AttemptShape), required=True)


class ResultShape(Schema):
    """A result."""

    id = id_member()
    job = id_member()
    task = id_member()
    kind = fields.String(required=True)
    step = fields.String(required=True)
    file = id_member("Null where the step runs once for the job.", optional=True)
    data = fields.Dict(required=True)
    created_at = time_member()


class ResultDetailShape(ResultShape):
    """A result with its artifacts."""

    artifacts = fields.List(fields.Nested(ArtifactShape), required=True)


def page_shape(item: type[Schema]) -> type[Schema]:
    """The shape of a list of such items."""
    members = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "Where the next page begins; null where this is the last."},
        ),
    }
    return type(f"{item.__name__.removesuffix('Shape')}PageShape", (Schema,), members)


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def file_shape(file: File) -> dict[str, Any]:
    """A file's answer."""
    names = ("id", "name", "folder", "media_type", "size_bytes", "sha256")
    return {**{name: getattr(file, name) for name in names}, "created_at": moment(file.created_at)}


def artifact_shape(artifact: Artifact) -> dict[str, Any]:
    """An artifact's answer, with an address that works without a key."""
    names = ("id", "task_id", "result_id", "name", "media_type", "size_bytes", "sha256")
    return {**{name: getattr(artifact, name) for name in names}, "url": artifact_url(artifact)}


def job_shape(job: Job) -> dict[str, Any]:
    """A job's answer."""
    return {
        "id": job.id,
        "name": job.name,
        "pipeline": job.pipeline_name,
        "pipeline_version": job.pipeline_version,
        "state": job.state.value,
        "percentage": fold_percentage(job.progress, job.counts),
        "counts": {state.value: job.counts.of(state) for state in TaskState},
        "priority": job.priority,
        "labels": dict(job.labels),
        "parameters": dict(job.parameters),
        "tolerated_failures": job.tolerated_failures,
        "parent": job.parent_id,
        "batch": job.batch_id,
        "retry_of": job.retry_of,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
    }


def task_shape(task: Task) -> dict[str, Any]:
    """A task's answer."""
    return {
        "id": task.id,
        "job": task.job_id,
        "node": task.node,
        "step": task.step,
        "file": task.file_id,
        "state": task.state.value,
        "attempt": task.attempt,
        "progress": task.progress / 1000,
        "message": task.message,
        "failure_kind": task.failure_kind.value if task.failure_kind else None,
        "worker": task.worker,
        "created_at": moment(task.created_at),
        "started_at": moment(task.started_at),
        "finished_at": moment(task.finished_at),
    }


def failed_file_shape(failed: FailedFile) -> dict[str, Any]:
    """A failed file's answer."""
    task = failed.task
    return {
        "file": task.file_id,
        "name": failed.file.name if failed.file else None,
        "task": task.id,
        "step": task.step,
        "failure_kind": task.failure_kind.value if task.failure_kind else None,
        "message": task.message,
    }


def attempts_shape(task: Task, ended: Sequence[Attempt]) -> list[dict[str, Any]]:
    """The answer of all attempts of a task, that which is under way included."""
    shapes = [attempt_shape(attempt) for attempt in ended]
    if task.state in (TaskState.ENQUEUED, TaskState.RUNNING):
        under_way = dict.fromkeys(AttemptShape().fields) | {"message": task.message, "traceback": ""}
        at = {"number": task.attempt, "worker": task.worker, "started_at": moment(task.started_at)}
        shapes.append({**under_way, **at})
    return shapes


def attempt_shape(attempt: Attempt) -> dict[str, Any]:
    """An attempt's answer."""
    names = ("number", "outcome", "worker", "message", "traceback", "cpu_seconds", "peak_memory_bytes")
    return {
        **{name: getattr(attempt, name) for name in names},
        "started_at": moment(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "failure_kind": attempt.failure_kind.value if attempt.failure_kind else None,
    }


def result_shape(result: Result) -> dict[str, Any]:
    """A result's answer."""
    return {
        "id": result.id,
        "job": result.job_id,
        "task": result.task_id,
        "kind": result.kind,
        "step": result.step,
        "file": result.file_id,
        "data": dict(result.data),
        "created_at": moment(result.created_at),
    }


def step_shape(step: StepSpec) -> dict[str, Any]:
    """A step's answer."""
    names = ("name", "version", "title", "description", "result_kind", "queue", "time_limit_seconds")
    return {
        **{name: getattr(step, name) for name in names},
        "scope": step.scope.value,
        "accepts": list(step.accepts),
        "resources": dict(step.resources),
        "parameters_schema": dict(step.parameters_schema),
    }


def pipeline_shape(pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline's answer."""
    names = ("id", "name", "version", "title", "description")
    nodes = [
        {"key": node.key, "step": node.step, "after": list(node.after), "from_parent": list(node.from_parent)}
        | {"parameters": dict(node.parameters)}
        for node in pipeline.nodes
    ]
    return {
        **{name: getattr(pipeline, name) for name in names},
        "owner": pipeline.owner_id,
        "state": pipeline.state.value,
        "nodes": nodes,
    }
