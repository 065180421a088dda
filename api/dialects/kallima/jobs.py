"""Jobs with their results, every key of the page present: what is not known is null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify, request

from api.auth import authenticate
from api.dialects.dialect import bearer, iso
from api.dialects.kallima.wording import HUMANIZATION_KEYS, STATUSES, TYPED_RESULTS
from api.parts import parts
from jobengine.domain.filters import MAX_PAGE, JobFilter, Page, ResultFilter
from jobengine.domain.ids import parse_id, to_uuid
from jobengine.domain.records import Job, Result
from jobengine.domain.states import JobState

_VARIANT = "variant_id"


def list_jobs() -> Response:
    """The newest jobs as a bare list; with ``variant_id``, those that carry it as a label."""
    sees = authenticate(bearer()).sees
    variant = request.args.get(_VARIANT)
    where = JobFilter(owner_id=sees, labels={_VARIANT: variant} if variant else {})
    return jsonify([_job(job) for job in parts().queries.jobs(where, Page(limit=MAX_PAGE))])


def get_job(job_id: str) -> Response:
    """One job, with its results by their kind."""
    sees = authenticate(bearer()).sees
    identifier = parse_id(job_id, "job_id")
    job = parts().queries.job(sees, identifier).job
    results = parts().queries.results(ResultFilter(owner_id=sees, job_id=job.id), Page(limit=None, descending=False))
    body: dict[str, Any] = {
        "job": _job(job),
        "results": [_row(job, row, HUMANIZATION_KEYS) for row in results if row.kind == "humanization"],
    }
    for key, (kind, names) in TYPED_RESULTS.items():
        body[key] = _newest(job, results, kind, names)
    return jsonify(body)


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": to_uuid(job.id),
        "variant_id": job.labels.get(_VARIANT),
        "job_type": job.pipeline_name,
        "status": STATUSES[job.state],
        "error_message": _error(job) if job.state is JobState.FAILED else None,
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at),
        "completed_at": iso(job.finished_at) if job.state is not JobState.CANCELED else None,
        "submitted_by": to_uuid(job.owner_id),
        "canceled_at": iso(job.canceled_at),
    }


def _error(job: Job) -> str | None:
    failure = parts().queries.first_failure(job)
    return failure.message if failure else None


def _newest(job: Job, results: Sequence[Result], kind: str, names: Sequence[str]) -> dict[str, Any] | None:
    of_kind = [result for result in results if result.kind == kind]
    return _row(job, of_kind[-1], names) if of_kind else None


def _row(job: Job, result: Result, names: Sequence[str]) -> dict[str, Any]:
    given = {_VARIANT: job.labels.get(_VARIANT), **result.data}
    own = {"id": to_uuid(result.id), "job_id": to_uuid(job.id), "created_at": iso(result.created_at)}
    return {name: own.get(name, given.get(name)) for name in names}
