"""Tasks: the steps of a job, with their attempts and logs."""

from __future__ import annotations

import io
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from api.auth import READ, caller, may
from api.download import send_range
from api.native.blueprint import Blueprint
from api.native.shapes import TaskDetailShape, TaskShape, attempts_shape, page_shape, task_shape
from api.paging import PageArguments, listed, page_of
from api.parts import parts
from jobengine.domain.filters import TaskFilter
from jobengine.domain.states import TaskState

blueprint = Blueprint("tasks", __name__, url_prefix="/api/v1", description="One step of one job on one file")


class TaskArguments(PageArguments):
    """Which tasks."""

    state = fields.List(fields.Enum(TaskState, by_value=True), load_default=None)


@blueprint.get("/jobs/<id:job_id>/tasks")
@may(READ)
@blueprint.arguments(TaskArguments, location="query")
@blueprint.response(200, page_shape(TaskShape))
def list_tasks(arguments: dict[str, Any], job_id: str) -> dict[str, Any]:
    """List the tasks of a job in the order of its pipeline."""
    states = arguments["state"]
    where = TaskFilter(owner_id=caller().sees, job_id=job_id, states=tuple(states) if states else None)
    rows = parts().queries.tasks.page(where, page_of(arguments, descending=False))
    return listed(rows, arguments, [task_shape(task) for task in rows])


@blueprint.get("/tasks/<id:task_id>")
@may(READ)
@blueprint.response(200, TaskDetailShape)
def get_task(task_id: str) -> dict[str, Any]:
    """One task with all its attempts."""
    task, attempts = parts().queries.tasks.get(caller().sees, task_id)
    return {**task_shape(task), "attempts": attempts_shape(task, attempts)}


class LogArguments(Schema):
    """Which part of a log."""

    tail = fields.Integer(load_default=None, validate=validate.Range(1, 100_000))


@blueprint.get("/tasks/<id:task_id>/log")
@may(READ)
@blueprint.arguments(LogArguments, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
def get_log(arguments: dict[str, Any], task_id: str) -> Response:
    """What the task logged over all its attempts: all of it, its last lines (``tail``), or a ``Range`` of bytes."""
    lines = [part for line in parts().queries.tasks.log(caller().sees, task_id) for part in line.text.split("\n")]
    if arguments["tail"] is not None:
        lines = lines[-arguments["tail"] :]
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    return send_range(lambda start, length: io.BytesIO(data[start : start + length]), len(data), "text/plain")
