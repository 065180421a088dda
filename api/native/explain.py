"""Why a job's unfinished tasks are where they are."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api.auth import READ, caller, may
from api.native.blueprint import Blueprint
from api.native.members import id_member, word_member
from api.parts import parts
from jobengine.domain.states import JobState, TaskState

blueprint = Blueprint("explain", __name__, url_prefix="/api/v1/jobs", description="Why a job is where it is")


class ReasonShape(Schema):
    """One task's reason."""

    task = id_member()
    node = fields.String(required=True)
    step = fields.String(required=True)
    state = word_member(TaskState)
    reason = fields.String(required=True)
    sentence = fields.String(required=True)
    data = fields.Dict(required=True)


class ExplanationShape(Schema):
    """A job's unfinished tasks, up to a thousand of them."""

    job = id_member()
    state = word_member(JobState)
    unfinished = fields.Integer(required=True)
    tasks = fields.List(fields.Nested(ReasonShape), required=True)


@blueprint.get("/<id:job_id>/explain")
@may(READ)
@blueprint.response(200, ExplanationShape)
def explain_job(job_id: str) -> dict[str, Any]:
    """Say of each unfinished task, in a sentence and in data, why it is where it is."""
    job, explanations = parts().queries.system.explain(caller().sees, job_id)
    tasks = [
        {
            "task": entry.task.id,
            "node": entry.task.node,
            "step": entry.task.step,
            "state": entry.task.state.value,
            "reason": entry.reason,
            "sentence": entry.sentence,
            "data": dict(entry.data),
        }
        for entry in explanations
    ]
    return {"job": job.id, "state": job.state.value, "unfinished": job.counts.unfinished, "tasks": tasks}
