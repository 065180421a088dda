"""Masks jobs: made on request, one per analysis job; asking again is safe."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api.artifact_urls import artifact_url
from api.auth import SUBMIT
from api.dialects.biodock.analysis_jobs import MASKS_PIPELINE
from api.dialects.biodock.door import blueprint, caller
from api.dialects.biodock.wording import MASKS_STATUSES
from api.parts import parts
from jobengine.domain.errors import conflict, not_found
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Job
from jobengine.domain.rollup import fold_percentage
from jobengine.verbs.checking import NAME_LENGTH
from jobengine.verbs.requests import JobRequest


@blueprint.post("/analysis-jobs/<string:job_id>/download-masks")
def submit_masks(job_id: str) -> Response:
    """Begin to make the masks, unless they are made or being made already."""
    parent = parts().queries.jobs.get(caller(SUBMIT).sees, job_id)
    if not parent.state.is_final:
        raise conflict("The analysis job has not ended yet; its masks can be made when it has.")
    name = f"Masks of {parent.name or parent.id}"[:NAME_LENGTH]
    request = JobRequest(parent.owner_id, MASKS_PIPELINE, name=name, parent_id=parent.id)
    return jsonify(_shape(parts().engine.submit_child(request)))


@blueprint.get("/analysis-jobs/<string:job_id>/download-masks")
def fetch_masks(job_id: str) -> Response:
    """How far the masks are, and where to download them."""
    parent = parts().queries.jobs.get(caller().sees, job_id)
    where = JobFilter(owner_id=parent.owner_id, parent_id=parent.id, pipeline_name=MASKS_PIPELINE)
    newest = parts().queries.jobs.page(where, Page(limit=1))
    if not newest:
        raise not_found("masks job for the analysis job", job_id)
    return jsonify(_shape(newest[0]))


def _shape(job: Job) -> dict[str, Any]:
    body: dict[str, Any] = {
        "percentageCompleted": fold_percentage(job.progress, job.counts),
        "status": MASKS_STATUSES[job.state],
    }
    for artifact in parts().queries.results.artifacts_of([job.id])[job.id]:
        if artifact.name == "masks.zip":
            body["masksZipUrl"] = artifact_url(artifact)
    return {**body, "downloadMasksJob": dict(body)}
