"""External tasks: an analyzer outside adds a task to a job and moves it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from api.auth import ANALYZE, caller, may
from api.native.blueprint import Blueprint
from api.native.shapes import TaskShape, task_shape
from api.parts import parts
from jobengine.domain.states import FailureKind, TaskState
from jobengine.verbs.external import MESSAGE_LENGTH
from jobengine.verbs.requests import NewTask, TaskReport

blueprint = Blueprint("external", __name__, url_prefix="/api/v1", description="Tasks that are driven from outside")

_MOVES = ("running", "succeeded", "failed", "canceled")
_TEXT = validate.Length(max=MESSAGE_LENGTH)


class NewTaskShape(Schema):
    """A task to be."""

    worker = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_:.\-]{1,200}\Z"))
    state = fields.String(load_default="enqueued", validate=validate.OneOf(("enqueued", *_MOVES[:3])))
    message = fields.String(load_default="", validate=_TEXT)


class TaskReportShape(Schema):
    """What became of a task."""

    state = fields.String(required=True, validate=validate.OneOf(_MOVES))
    message = fields.String(load_default="", validate=_TEXT)
    fraction = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 1))
    result = fields.Dict(keys=fields.String(), load_default=None, allow_none=True)
    result_kind = fields.String(load_default="external", validate=validate.Length(1, 100))
    failure_kind = fields.Enum(FailureKind, by_value=True, load_default=FailureKind.STEP)


@blueprint.post("/jobs/<id:job_id>/tasks")
@may(ANALYZE)
@blueprint.arguments(NewTaskShape)
@blueprint.response(201, TaskShape)
@blueprint.refuses(409, "The job has ended.")
def add_task(body: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Add a task to a job that has not ended; sending the same again gives the same task."""
    new = NewTask(body["worker"], TaskState(body["state"]), body["message"], reuse_open=True)
    return task_shape(parts().engine.add_task(caller().sees, job_id, new))


@blueprint.patch("/tasks/<id:task_id>")
@may(ANALYZE)
@blueprint.arguments(TaskReportShape)
@blueprint.response(200, TaskShape)
@blueprint.refuses(409, "The task has ended, or a worker of the engine runs it.")
def move_task(body: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Move an external task; the same guards hold as for our own workers."""
    report = TaskReport(**{**body, "state": TaskState(body["state"])})
    return task_shape(parts().engine.move_task(caller().sees, task_id, report))
