"""Masks jobs: made on request, one per analysis job; asking again is safe."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api.auth import SUBMIT
from api.dialects.biodock.analysis_jobs import MASKS_PIPELINE
from api.dialects.biodock.door import blueprint, caller
from api.dialects.biodock.wording import MASKS_STATUSES
from api.native.shapes import artifact_url
from api.parts import parts
from jobengine.domain.errors import conflict, not_found
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Job
from jobengine.domain.rollup import fold_percentage
from jobengine.domain.states import JobState
from jobengine.verbs.requests import JobRequest

_GONE_WRONG = (JobState.FAILED, JobState.CANCELED)


@blueprint.post("/analysis-jobs/<string:job_id>/download-masks")
def submit_masks(job_id: str) -> Response:
    """Begin to make the masks, unless they are made or being made already."""
    caller(SUBMIT)
    parent = parts().queries.job(caller().sees, job_id).job
    if not parent.state.is_final:
        raise conflict("The analysis job has not ended yet; its masks can be made when it has.")
    earlier = _masks_jobs(parent)
    if not earlier or earlier[0].state in _GONE_WRONG:
        # Two requests at the same time make one job: they name the same try.
        parts().engine.submit_many(
            [
                JobRequest(
                    parent.owner_id, MASKS_PIPELINE, name=f"Masks of {parent.name or parent.id}", parent_id=job_id
                )
            ],
            idempotency_key=f"masks of {job_id}, {len(earlier)}",
            body_digest=job_id,
        )
    return jsonify(_shape(_masks_jobs(parent)[0]))


@blueprint.get("/analysis-jobs/<string:job_id>/download-masks")
def fetch_masks(job_id: str) -> Response:
    """How far the masks are, and where to download them."""
    jobs = _masks_jobs(parts().queries.job(caller().sees, job_id).job)
    if not jobs:
        raise not_found("masks job for the analysis job", job_id)
    return jsonify(_shape(jobs[0]))


def _masks_jobs(parent: Job) -> list[Job]:
    """The masks jobs of an analysis job, newest first."""
    where = JobFilter(owner_id=parent.owner_id, parent_id=parent.id, pipeline_name=MASKS_PIPELINE)
    return parts().queries.jobs(where, Page(limit=1000))


def _shape(job: Job) -> dict[str, Any]:
    body: dict[str, Any] = {
        "percentageCompleted": fold_percentage(job.progress, job.counts),
        "status": MASKS_STATUSES[job.state],
    }
    for artifact in parts().queries.artifacts_of([job.id])[job.id]:
        if artifact.name == "masks.zip":
            body["masksZipUrl"] = artifact_url(artifact)
    return {**body, "downloadMasksJob": dict(body)}
