"""Results: of a job, by ID, and the job that made one."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.dialects.mcrit.door import blueprint, caller, checked_id, flag, successful
from api.dialects.mcrit.jobs import described, find_job
from api.parts import parts


def get_result_of_job(job_id: str) -> Response:
    """The last result of a job that succeeded; null for every other."""
    sees = caller().sees
    job = find_job(sees, checked_id(job_id, "Job"))
    result_id = None if job is None else parts().queries.jobs.details([job])[job.id].result_id
    return successful(None if result_id is None else _data(sees, result_id))


@blueprint.get("/results/<string:result_id>")
def get_result(result_id: str) -> Response:
    """One result."""
    sees = caller().sees
    return successful(_data(sees, checked_id(result_id, "Result")))


@blueprint.get("/results/<string:result_id>/job")
def get_job_of_result(result_id: str) -> Response:
    """The job that made the result."""
    sees = caller().sees
    result, _ = parts().queries.results.get(sees, checked_id(result_id, "Result"))
    job = find_job(sees, result.job_id)
    return successful(None if job is None else described(job))


def _data(sees: str | None, result_id: str) -> dict[str, Any]:
    """What the result says; ``compact`` leaves out the matches of single functions, which are most of it."""
    data = dict(parts().queries.results.get(sees, result_id)[0].data)
    matches = data.get("matches")
    if flag("compact") and isinstance(matches, dict):
        data["matches"] = {key: value for key, value in matches.items() if key != "functions"}
    return data
