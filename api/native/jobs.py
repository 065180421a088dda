"""Jobs: submit, list, read, cancel, retry, delete."""

from __future__ import annotations

import json
from typing import Any

from marshmallow import Schema, fields, validate

from api.auth import READ, SUBMIT, caller, may
from api.native.blueprint import IDEMPOTENCY_KEY, Blueprint
from api.native.criteria import JobCriteria, job_filter
from api.native.idempotency import body_digest, idempotency_key
from api.native.shapes import JobDetailShape, JobShape, artifact_shape, failed_file_shape, job_shape, page_shape
from api.paging import Order, PageArguments, Place, listed, page_of, read_cursor, write_cursor
from api.parts import parts
from jobengine.domain.orders import SORTS, sort_key
from jobengine.queries.jobs import JobView
from jobengine.verbs.checking import LABEL_LENGTH, LABEL_NAME_LENGTH, LABELS_LIMIT, NAME_LENGTH
from jobengine.verbs.requests import JobRequest

blueprint = Blueprint("jobs", __name__, url_prefix="/api/v1/jobs", description="Requests to run a pipeline")

_FILES_LIMIT = 100_000
# marshmallow formats these sentences, hence the doubled braces.
_BY_STEP = 'Give parameters by the step that takes them, like {{"segment": {{"sigma": 1.5}}}}.'
_LABELS = 'Give labels as an object of texts, like {{"plate": "7"}}.'


class NewJobShape(Schema):
    """A job to be; ``parameters`` are by step of the pipeline."""

    pipeline = fields.String(required=True, validate=validate.Length(1, 300))
    files = fields.List(fields.String(), load_default=list, validate=validate.Length(max=_FILES_LIMIT))
    parameters = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), error_messages={"invalid": _BY_STEP}),
        load_default=dict,
        error_messages={"invalid": _BY_STEP},
    )
    name = fields.String(load_default="", validate=validate.Length(max=NAME_LENGTH))
    labels = fields.Dict(
        keys=fields.String(validate=validate.Length(1, LABEL_NAME_LENGTH)),
        values=fields.String(validate=validate.Length(max=LABEL_LENGTH)),
        load_default=dict,
        validate=validate.Length(max=LABELS_LIMIT),
        error_messages={"invalid": _LABELS},
    )
    priority = fields.Integer(load_default=5, strict=True, validate=validate.Range(0, 9))
    tolerated_failures = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 10**6))
    parent = fields.String(load_default=None, allow_none=True)


class JobArguments(PageArguments, JobCriteria):
    """Which jobs, and in which order."""

    sort = fields.String(load_default="created_at", validate=validate.OneOf(list(SORTS)))
    order = fields.String(load_default="descending", validate=validate.OneOf(("ascending", "descending")))

    def place_of(self, cursor: str, arguments: dict[str, Any]) -> Place:
        """The place in the order that is asked for."""
        order = _order(arguments)
        return read_cursor(cursor, order) if order else super().place_of(cursor, arguments)


@blueprint.post("")
@may(SUBMIT)
@blueprint.arguments(NewJobShape)
@blueprint.response(201, JobDetailShape)
@blueprint.refuses(409, "The pipeline is retired, the parent has not ended, or the key came with another body.")
@blueprint.doc(parameters=[IDEMPOTENCY_KEY])
def submit(body: dict[str, Any]) -> dict[str, Any]:
    """Submit a job. With the header ``Idempotency-Key``, sending the same body again gives the same answer."""
    owner_id = caller().owner_id
    submission = parts().engine.submit_many(
        [job_request(owner_id, body)],
        idempotency_key=idempotency_key(),
        body_digest=body_digest(),
        render=lambda jobs, _: json.dumps(_detailed(JobView(jobs[0], body["files"]))),
    )
    return dict(json.loads(submission.answer))


@blueprint.get("")
@may(READ)
@blueprint.arguments(JobArguments, location="query")
@blueprint.response(200, page_shape(JobShape))
def list_jobs(arguments: dict[str, Any]) -> dict[str, Any]:
    """List jobs, newest first unless another order is asked for; all criteria must hold."""
    where = job_filter(caller().sees, arguments, arguments["sort"])
    rows = parts().queries.jobs.page(where, page_of(arguments, descending=arguments["order"] == "descending"))
    order = _order(arguments)
    cursor_of = (lambda job: write_cursor(order, sort_key(job, order.name), job.id)) if order else None
    return listed(rows, arguments, [job_shape(job) for job in rows], cursor_of)


@blueprint.get("/<id:job_id>")
@may(READ)
@blueprint.response(200, JobDetailShape)
def get_job(job_id: str) -> dict[str, Any]:
    """One job with its result IDs and artifact addresses, and the files on which it failed: the first thousand."""
    return _detail(caller().sees, job_id)


@blueprint.post("/<id:job_id>/cancel")
@may(SUBMIT)
@blueprint.response(200, JobDetailShape)
def cancel_job(job_id: str) -> dict[str, Any]:
    """Cancel what is unfinished of a job; one that has ended stays as it is."""
    sees = caller().sees
    parts().queries.jobs.get(sees, job_id)
    parts().engine.cancel(sees, [job_id])
    return _detail(sees, job_id)


@blueprint.post("/<id:job_id>/retry")
@may(SUBMIT)
@blueprint.response(201, JobDetailShape)
@blueprint.refuses(409, "The job has not ended, there is nothing to do again, or the pipeline is retired.")
@blueprint.refuses(413, "The job would have too many tasks.")
def retry_job(job_id: str) -> dict[str, Any]:
    """A new job that does again what did not succeed and takes over what did."""
    sees = caller().sees
    return _detail(sees, parts().engine.retry(sees, job_id).id)


@blueprint.delete("/<id:job_id>")
@may(SUBMIT)
@blueprint.response(204)
def delete_job(job_id: str) -> None:
    """Delete a job with its tasks, results and artifacts; what runs is canceled."""
    sees = caller().sees
    parts().queries.jobs.get(sees, job_id)
    parts().engine.delete(sees, [job_id])


def job_request(owner_id: str, body: dict[str, Any], batch_id: str | None = None) -> JobRequest:
    """What the body of a submission asks for."""
    return JobRequest(
        owner_id=owner_id,
        pipeline=body["pipeline"],
        file_ids=tuple(body["files"]),
        parameters=body["parameters"],
        name=body["name"],
        labels=body["labels"],
        priority=body["priority"],
        tolerated_failures=body["tolerated_failures"],
        parent_id=body["parent"],
        batch_id=batch_id,
    )


def _order(arguments: dict[str, Any]) -> Order | None:
    """The order of a list, where it is not that of IDs, in which jobs are created."""
    sort = arguments["sort"]
    return None if sort == "created_at" else Order(sort, SORTS[sort])


def _detail(owner_id: str | None, job_id: str) -> dict[str, Any]:
    return _detailed(parts().queries.jobs.view(owner_id, job_id))


def _detailed(view: JobView) -> dict[str, Any]:
    return {
        **job_shape(view.job),
        "files": list(view.file_ids),
        "results": list(view.result_ids),
        "artifacts": [artifact_shape(artifact) for artifact in view.artifacts],
        "failed_files": [failed_file_shape(failed) for failed in view.failed_files],
    }
