"""Batches: jobs that were submitted together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from marshmallow import Schema, fields, validate

from api.auth import READ, SUBMIT, caller, may
from api.native.blueprint import IDEMPOTENCY_KEY, Blueprint
from api.native.idempotency import body_digest, idempotency_key
from api.native.jobs import NewJobShape, job_request
from api.native.members import counts_member, id_member, ids_member, time_member
from api.native.shapes import moment, page_shape
from api.paging import PageArguments, listed, page_of
from api.parts import parts
from jobengine.domain.filters import JobFilter
from jobengine.domain.records import Batch, BatchCounts, Job
from jobengine.domain.states import JobState
from jobengine.queries.batches import BatchView
from jobengine.verbs.checking import NAME_LENGTH

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1/batches", description="Jobs submitted together")

JOBS_LIMIT = 100_000


class FilesystemShape(Schema):
    """A file system that jobs see."""

    filesystem_id = fields.String(required=True, validate=validate.Length(1, 300))
    filesystem_name = fields.String(validate=validate.Length(max=300))


class HardwareShape(Schema):
    """What each job of a batch may use; ``memory`` is in megabytes."""

    cpu = fields.Integer(strict=True, validate=validate.Range(1, 10**6))
    memory = fields.Integer(strict=True, validate=validate.Range(1, 10**9))
    filesystem_list = fields.List(fields.Nested(FilesystemShape), validate=validate.Length(max=100))


class NewBatchShape(Schema):
    """Jobs to be accepted together: all of them, or none. Each names its pipeline, and all the same."""

    body_limit = "batch_limit_bytes"

    name = fields.String(load_default="", validate=validate.Length(max=NAME_LENGTH))
    hardware = fields.Nested(HardwareShape, load_default=dict)
    jobs = fields.List(fields.Nested(NewJobShape), required=True, validate=validate.Length(1, JOBS_LIMIT))


class BatchShape(Schema):
    """A batch with the number of its jobs by state."""

    id = id_member()
    name = fields.String(required=True)
    pipeline = fields.String(required=True)
    hardware = fields.Dict(required=True)
    job_count = fields.Integer(required=True, metadata={"description": "How many jobs were submitted."})
    counts = counts_member(JobState)
    deleted = fields.Integer(
        required=True, metadata={"description": "How many jobs of the batch have been deleted since."}
    )
    created_at = time_member()


class SubmittedBatchShape(BatchShape):
    """A batch that was just accepted, with the IDs of its jobs in the order of the request."""

    jobs = ids_member("In the order of the request.")


class CanceledShape(Schema):
    """How many jobs were canceled."""

    canceled = fields.Integer(required=True)


@blueprint.post("")
@may(SUBMIT)
@blueprint.arguments(NewBatchShape)
@blueprint.response(201, SubmittedBatchShape)
@blueprint.refuses(409, "A pipeline is retired, a parent has not ended, or the key came with another body.")
@blueprint.doc(parameters=[IDEMPOTENCY_KEY])
def submit_batch(body: dict[str, Any]) -> dict[str, Any]:
    """Submit up to 100,000 jobs in one go. ``Idempotency-Key`` holds for the whole batch."""
    owner_id = caller().owner_id
    outside = parts().outside
    batch = Batch(
        outside.ids.new(), owner_id, body["name"], body["jobs"][0]["pipeline"], body["hardware"], outside.clock()
    )
    submission = parts().engine.submit_many(
        [job_request(owner_id, job, batch.id) for job in body["jobs"]],
        batch=batch,
        idempotency_key=idempotency_key(),
        body_digest=body_digest(),
        render=_render,
    )
    return dict(json.loads(submission.answer))


@blueprint.get("")
@may(READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_shape(BatchShape))
def list_batches(arguments: dict[str, Any]) -> dict[str, Any]:
    """List batches, newest first."""
    views = parts().queries.batches.views(caller().sees, page_of(arguments))
    return listed([view.batch for view in views], arguments, [_shape(view) for view in views])


@blueprint.get("/<id:batch_id>")
@may(READ)
@blueprint.response(200, BatchShape)
def get_batch(batch_id: str) -> dict[str, Any]:
    """One batch; its jobs are listed by ``/jobs?batch=ID``."""
    return _shape(parts().queries.batches.view(caller().sees, batch_id))


@blueprint.post("/<id:batch_id>/cancel")
@may(SUBMIT)
@blueprint.response(200, CanceledShape)
def cancel_batch(batch_id: str) -> dict[str, Any]:
    """Cancel what is unfinished of a batch."""
    sees = caller().sees
    batch = parts().queries.batches.get(sees, batch_id)
    return {"canceled": parts().engine.cancel_where(JobFilter(owner_id=sees, batch_id=batch.id))}


@blueprint.delete("/<id:batch_id>")
@may(SUBMIT)
@blueprint.response(204)
def delete_batch(batch_id: str) -> None:
    """Delete a batch with its jobs; what runs is canceled."""
    sees = caller().sees
    parts().engine.delete_batches(sees, [parts().queries.batches.get(sees, batch_id).id])


def _render(jobs: Sequence[Job], batch: Batch | None) -> str:
    counts = Counter(job.state for job in jobs)
    by_state = {state: counts[state] for state in JobState}
    view = BatchView(cast(Batch, batch), BatchCounts(by_state, 0, 0, jobs[0].id), deleted=0, pipeline=None)
    return json.dumps({**_shape(view), "jobs": [job.id for job in jobs]})


def _shape(view: BatchView) -> dict[str, Any]:
    batch = view.batch
    return {
        "id": batch.id,
        "name": batch.name,
        "pipeline": batch.pipeline_name,
        "hardware": dict(batch.hardware),
        "job_count": view.job_count,
        "counts": {state.value: count for state, count in view.counts.by_state.items()},
        "deleted": view.deleted,
        "created_at": moment(batch.created_at),
    }
