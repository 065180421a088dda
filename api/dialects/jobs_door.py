"""``GET /jobs…`` belongs to two products: a request with a Bearer token is Kallima's, every other is MCRIT's."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from api.dialects.dialect import bearer
from api.dialects.kallima import jobs as kallima
from api.dialects.mcrit import jobs as mcrit
from api.dialects.mcrit import results as mcrit_results

blueprint = Blueprint("jobs-door", __name__)


@blueprint.get("/jobs")
def list_jobs() -> Response:
    """The list of whoever asks."""
    return mcrit.list_jobs() if bearer() is None else kallima.list_jobs()


@blueprint.get("/jobs/stats")
def show_statistics() -> Response:
    """MCRIT's statistics; to Kallima this is the ID of a job, and none."""
    return mcrit.show_statistics() if bearer() is None else kallima.get_job("stats")


@blueprint.get("/jobs/<string:job_id>")
def get_job(job_id: str) -> Response:
    """The job as whoever asks words it."""
    return mcrit.get_job(job_id) if bearer() is None else kallima.get_job(job_id)


@blueprint.get("/jobs/<string:job_id>/result")
def get_result_of_job(job_id: str) -> Response:
    """MCRIT's result of a job; Kallima has no such path."""
    return mcrit_results.get_result_of_job(job_id) if bearer() is None else abort(404)
