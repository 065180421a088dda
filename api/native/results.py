"""Results and artifacts: what jobs made."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import READ, admit, caller, may
from api.download import send_content
from api.native.blueprint import Blueprint
from api.native.shapes import (
    ArtifactShape,
    JobShape,
    ResultDetailShape,
    ResultShape,
    artifact_shape,
    job_shape,
    page_shape,
    result_shape,
)
from api.paging import PageArguments, listed, page_of
from api.parts import parts
from jobengine.domain.filters import ResultFilter
from jobengine.domain.records import Result

blueprint = Blueprint("results", __name__, url_prefix="/api/v1", description="What jobs made")


class CompactArguments(Schema):
    """How much of a result."""

    compact = fields.Boolean(load_default=False, metadata={"description": "Leave out the data."})


class TokenArguments(Schema):
    """What lets in without a key."""

    token = fields.String(load_default=None, metadata={"description": "Comes with a signed address."})


class ResultArguments(PageArguments, CompactArguments):
    """Which results."""


@blueprint.get("/jobs/<id:job_id>/results")
@may(READ)
@blueprint.arguments(ResultArguments, location="query")
@blueprint.response(200, page_shape(ResultShape))
def list_results(arguments: dict[str, Any], job_id: str) -> dict[str, Any]:
    """List the results of a job, oldest first."""
    where = ResultFilter(owner_id=caller().sees, job_id=job_id)
    rows = parts().queries.results.page(where, page_of(arguments, descending=False))
    return listed(rows, arguments, [_shape(result, arguments) for result in rows])


@blueprint.get("/results/<id:result_id>")
@may(READ)
@blueprint.arguments(CompactArguments, location="query")
@blueprint.response(200, ResultDetailShape)
def get_result(arguments: dict[str, Any], result_id: str) -> dict[str, Any]:
    """One result with its artifacts."""
    result, artifacts = parts().queries.results.get(caller().sees, result_id)
    return {**_shape(result, arguments), "artifacts": [artifact_shape(artifact) for artifact in artifacts]}


@blueprint.get("/results/<id:result_id>/job")
@may(READ)
@blueprint.response(200, JobShape)
def get_job_of_result(result_id: str) -> dict[str, Any]:
    """The job that made the result."""
    sees = caller().sees
    result, _ = parts().queries.results.get(sees, result_id)
    return job_shape(parts().queries.jobs.get(sees, result.job_id))


@blueprint.get("/artifacts/<id:artifact_id>")
@may(READ)
@blueprint.response(200, ArtifactShape)
def get_artifact(artifact_id: str) -> dict[str, Any]:
    """One artifact, with a fresh address."""
    return artifact_shape(parts().queries.results.artifact(caller().sees, artifact_id))


@blueprint.get("/artifacts/<id:artifact_id>/content")
@blueprint.arguments(TokenArguments, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
@blueprint.refuses(403, "The address is not valid any more.")
def download_artifact(arguments: dict[str, Any], artifact_id: str) -> Response:
    """The bytes of an artifact, for a key or for the token of a signed address."""
    token = arguments["token"]
    if token is not None:
        parts().signer.verify(token, artifact_id)
    sees = None if token is not None else admit(READ).sees
    artifact = parts().queries.results.artifact(sees, artifact_id)
    return send_content(artifact.sha256, artifact.name, artifact.media_type, artifact.size_bytes)


def _shape(result: Result, arguments: dict[str, Any]) -> dict[str, Any]:
    shape = result_shape(result)
    return {**shape, "data": {}} if arguments["compact"] else shape
