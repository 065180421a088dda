"""Results and artifacts: what jobs made."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from api.auth import READ, caller, may
from api.download import send_content
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

blueprint = Blueprint("results", __name__, url_prefix="/api/v1", description="What jobs made")


@blueprint.get("/jobs/<string:job_id>/results")
@may(READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_shape(ResultShape))
def list_results(arguments: dict[str, Any], job_id: str) -> dict[str, Any]:
    """List the results of a job, oldest first."""
    where = ResultFilter(owner_id=caller().sees, job_id=job_id)
    rows = parts().queries.results(where, page_of(arguments, descending=False))
    return listed(rows, arguments, [result_shape(result) for result in rows])


@blueprint.get("/results/<string:result_id>")
@may(READ)
@blueprint.response(200, ResultDetailShape)
def get_result(result_id: str) -> dict[str, Any]:
    """One result with its artifacts."""
    result, artifacts = parts().queries.result(caller().sees, result_id)
    return {**result_shape(result), "artifacts": [artifact_shape(artifact) for artifact in artifacts]}


@blueprint.get("/results/<string:result_id>/job")
@may(READ)
@blueprint.response(200, JobShape)
def get_job_of_result(result_id: str) -> dict[str, Any]:
    """The job that made the result."""
    sees = caller().sees
    result, _ = parts().queries.result(sees, result_id)
    return job_shape(parts().queries.job(sees, result.job_id).job)


@blueprint.get("/artifacts/<string:artifact_id>")
@may(READ)
@blueprint.response(200, ArtifactShape)
def get_artifact(artifact_id: str) -> dict[str, Any]:
    """One artifact, with a fresh address."""
    return artifact_shape(parts().queries.artifact(caller().sees, artifact_id))


@blueprint.get("/artifacts/<string:artifact_id>/content")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def download_artifact(artifact_id: str) -> Response:
    """The bytes of an artifact, for a key or for the token of a signed address."""
    token = request.args.get("token")
    if token is not None:
        parts().signer.verify(token, artifact_id)
    sees = None if token is not None else caller().sees
    artifact = parts().queries.artifact(sees, artifact_id)
    return send_content(artifact.sha256, artifact.name, artifact.media_type, artifact.size_bytes)
