"""Jobs: list, statistics, get, delete one, delete many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flask import Response, request

from api.auth import SUBMIT
from api.dialects.mcrit.documents import describe, document
from api.dialects.mcrit.door import blueprint, caller, checked_id, flag, number, successful
from api.dialects.mcrit.wording import MEANINGS, PAGE_STATES, STATES
from api.parts import parts
from jobengine.domain.errors import EngineError, ErrorCode, invalid
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.ids import is_id
from jobengine.domain.records import Job
from jobengine.domain.states import JobState

_STRETCH = 1000
_CRITERIA = {"method", "created_before", "finished_before"}
_DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S")


def list_jobs() -> Response:
    """The jobs, newest first unless ``ascending``. ``start`` is an offset, or the ID of a job to go on after."""
    sees = caller().sees
    word = request.args.get("state")
    if word is not None and word not in MEANINGS:
        return successful([])
    states = None if word is None else (MEANINGS[word],)
    where = JobFilter(owner_id=sees, states=states, pipeline_name=request.args.get("method"))
    jobs = list(_stretch(where, request.args.get("start", ""), number("limit"), request.args.get("filter", "")))
    result_ids = parts().queries.last_result_ids([job.id for job in jobs if job.state is JobState.SUCCEEDED])
    return successful([document(job, result_ids.get(job.id)) for job in jobs])


@blueprint.get("/jobs/stats")
def statistics() -> Response:
    """Counts by state, as the page has them, and by method, as the real system has them."""
    rows = parts().queries.statistics(caller().sees)
    data: dict[str, Any] = {"total_jobs": sum(rows.values())}
    for state, word in PAGE_STATES.items():
        data[word] = sum(count for (_, found), count in rows.items() if found is state)
    for method in sorted({method for method, _ in rows}):
        if method not in data:
            data[method] = {word: rows.get((method, state), 0) for state, word in STATES.items()}
    return successful(data)


def get_job(job_id: str) -> Response:
    """One job, or null where there is none."""
    sees = caller().sees
    checked_id(job_id, "Job")
    job = find_job(sees, job_id.lower())
    return successful(None if job is None else described(job))


@blueprint.delete("/jobs/<string:job_id>")
def delete_job(job_id: str) -> Response:
    """Delete one job; how many there were."""
    sees = caller(SUBMIT).sees
    return successful({"num_deleted": parts().engine.delete(sees, [checked_id(job_id, "Job")])})


@blueprint.delete("/jobs")
def delete_jobs() -> Response:
    """Delete the caller's jobs that meet all criteria. What cannot be read deletes nothing and says so."""
    owner_id = caller(SUBMIT).owner_id
    unknown = sorted(set(request.args) - _CRITERIA)
    if unknown:
        raise invalid(f"There is no criterion {unknown[0]!r}; nothing was deleted.", unknown[0])
    where = JobFilter(
        owner_id=owner_id,
        pipeline_name=request.args.get("method"),
        created_before=_time("created_before"),
        finished_before=_time("finished_before"),
    )
    deleted = 0
    while ids := [job.id for job in parts().queries.jobs(where, Page(limit=_STRETCH))]:
        deleted += parts().engine.delete(owner_id, ids)
    return successful({"num_deleted": deleted})


def find_job(sees: str | None, job_id: str) -> Job | None:
    """The job, or None where the caller sees none of that ID."""
    try:
        return parts().queries.job(sees, job_id).job
    except EngineError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise


def described(job: Job) -> dict[str, Any]:
    """The job's document."""
    result_ids = parts().queries.last_result_ids([job.id] if job.state is JobState.SUCCEEDED else [])
    return document(job, result_ids.get(job.id))


def _stretch(where: JobFilter, start: str, limit: int, text: str) -> Iterator[Job]:
    after = start.lower() if is_id(start.lower()) else None
    offset = 0 if after is not None or not start.isascii() or not start.isdigit() else int(start[:9])
    rows = _all(where, after, 0 if text else offset)
    if text:
        rows = islice((job for job in rows if text in describe(job) or text in job.id), offset, None)
    return islice(rows, limit or None)


def _all(where: JobFilter, after: str | None, offset: int) -> Iterator[Job]:
    while True:
        page = Page(limit=_STRETCH, after=after, offset=offset, descending=not flag("ascending"))
        rows = parts().queries.jobs(where, page)
        yield from rows
        if len(rows) < _STRETCH:
            return
        after, offset = rows[-1].id, 0


def _time(name: str) -> float | None:
    text = request.args.get(name)
    if text is None:
        return None
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise invalid(f"{text!r} is no date like 2024-01-31 or 2024-01-31T12:00:00; nothing was deleted.", name)
