"""Analysis jobs: submit, fetch, list."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from api.artifact_urls import artifact_url
from api.auth import SUBMIT
from api.dialects.biodock.door import blueprint, caller, starting_after
from api.dialects.biodock.filesystem import expand_folders
from api.dialects.biodock.wording import STATUSES
from api.dialects.dialect import json_object, text_of, texts_of, whole_number
from api.parts import parts
from jobengine.domain.errors import invalid
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Artifact, Job
from jobengine.domain.rollup import fold_percentage
from jobengine.verbs.requests import JobRequest

MASKS_PIPELINE = "masks"
_TABLES = {"objects.csv": "objectsDataCSVUrl", "aggregates.csv": "aggregateDataCSVUrl"}


@blueprint.post("/analysis-jobs")
def submit_analysis_job() -> Response:
    """Submit a job on files and folders."""
    owner_id = caller(SUBMIT).owner_id
    body = json_object()
    items = texts_of(body, "filesystemIds")
    if not items:
        raise invalid("Name at least one item to analyze.", "filesystemIds")
    job = parts().engine.submit(
        JobRequest(
            owner_id=owner_id,
            pipeline=text_of(body, "pipelineId"),
            file_ids=tuple(expand_folders(owner_id, items)),
            name=text_of(body, "name", default=""),
        )
    )
    return jsonify(_wrapped(shape(job, [])))


@blueprint.get("/analysis-jobs/<string:job_id>")
def fetch_analysis_job(job_id: str) -> Response:
    """One job, with the addresses of its tables once they are made."""
    job = parts().queries.jobs.get(caller().sees, job_id)
    return jsonify(_wrapped(shape(job, parts().queries.results.artifacts_of([job.id])[job.id])))


@blueprint.get("/analysis-jobs")
def list_analysis_jobs() -> Response:
    """The jobs, newest first; masks jobs belong to theirs and are not listed."""
    sees = caller().sees
    limit = whole_number(request.args.get("limit"), "limit", 50, 1, 1000)
    after = starting_after("a job")
    queries = parts().queries
    jobs = _analysis_jobs(sees, limit, after)
    everything = queries.jobs.count(JobFilter(owner_id=sees))
    of_masks = queries.jobs.count(JobFilter(owner_id=sees, pipeline_name=MASKS_PIPELINE))
    artifacts = queries.results.artifacts_of([job.id for job in jobs])
    results = [shape(job, artifacts.get(job.id, [])) for job in jobs]
    return jsonify({"results": results, "count": everything - of_masks})


def shape(job: Job, artifacts: list[Artifact]) -> dict[str, Any]:
    """A job in Biodock's words."""
    made = {artifact.name: artifact for artifact in artifacts}
    urls = {key: artifact_url(made[name]) for name, key in _TABLES.items() if name in made}
    percentage = fold_percentage(job.progress, job.counts)
    about = {"id": job.id, "name": job.name, "pipelineId": job.pipeline_id}
    return {**about, "percentageCompleted": percentage, "status": STATUSES[job.state], **urls}


def _wrapped(job: dict[str, Any]) -> dict[str, Any]:
    # The page shows it flat; clients in the field read it one level down.
    return {**job, "analysisJob": job}


def _analysis_jobs(sees: str | None, limit: int, after: str | None) -> list[Job]:
    found: list[Job] = []
    while len(found) < limit:
        rows = parts().queries.jobs.page(JobFilter(owner_id=sees), Page(limit=limit, after=after))
        found += [job for job in rows if job.pipeline_name != MASKS_PIPELINE]
        if len(rows) < limit:
            break
        after = rows[-1].id
    return found[:limit]
