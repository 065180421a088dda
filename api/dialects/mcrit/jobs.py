"""Jobs: list, statistics, get, delete one, delete many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flask import Response, request

from api.auth import SUBMIT
from api.dialects.long_lists import all_jobs, stretches, written_list
from api.dialects.mcrit.documents import document, matches
from api.dialects.mcrit.door import blueprint, caller, checked_id, flag, number, successful
from api.dialects.mcrit.wording import MEANINGS, PAGE_STATES, STATES
from api.parts import parts
from jobengine.domain.errors import invalid
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.ids import is_id
from jobengine.domain.records import Job

_CRITERIA = {"method", "created_before", "finished_before"}
_DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S")


def list_jobs() -> Response:
    """The jobs, newest first unless ``ascending``. ``start`` is an offset, or the ID of a job to go on after.

    Without a limit it is all jobs, so the answer is written while the ledger is read, a stretch at a time.
    """
    sees = caller().sees
    word = request.args.get("state")
    if word is not None and word not in MEANINGS:
        return successful([])
    states = None if word is None else (MEANINGS[word],)
    where = JobFilter(owner_id=sees, states=states, pipeline_name=request.args.get("method"))
    jobs = _chosen(where, request.args.get("start", ""), number("limit"), request.args.get("filter", ""))
    return written_list('{"status": "successful", "data": [', _documents(jobs), lambda count: "]}")


def show_statistics() -> Response:
    """Counts by state, as the page has them, and by method, as the real system has them."""
    rows = parts().queries.jobs.statistics(caller().sees)
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
    _check_criteria()
    where = JobFilter(
        owner_id=owner_id,
        pipeline_name=request.args.get("method"),
        created_before=_time("created_before"),
        finished_before=_time("finished_before"),
    )
    return successful({"num_deleted": parts().engine.delete_where(where)})


def find_job(sees: str | None, job_id: str) -> Job | None:
    """The job, or None where the caller sees none of that ID."""
    found = parts().queries.jobs.page(JobFilter(owner_id=sees, ids=(job_id,)), Page(limit=1))
    return found[0] if found else None


def described(job: Job) -> dict[str, Any]:
    """The job's document."""
    return document(job, parts().queries.jobs.details([job])[job.id])


def _documents(jobs: Iterator[Job]) -> Iterator[dict[str, Any]]:
    for stretch in stretches(jobs):
        details = parts().queries.jobs.details(stretch)
        for job in stretch:
            yield document(job, details[job.id])


def _chosen(where: JobFilter, start: str, limit: int, text: str) -> Iterator[Job]:
    after = start.lower() if is_id(start.lower()) else None
    offset = 0 if after is not None or not start.isascii() or not start.isdigit() else int(start[:9])
    rows = all_jobs(where, after, 0 if text else offset, descending=not flag("ascending"))
    if text:
        rows = islice((job for job in rows if matches(job, text)), offset, None)
    return islice(rows, limit or None)


def _check_criteria() -> None:
    """Refuse what there is no criterion of, and what comes twice: nobody can tell which one is meant."""
    for name, values in request.args.lists():
        if name not in _CRITERIA:
            raise invalid("There is no such criterion; nothing was deleted.", name)
        if len(values) > 1:
            raise invalid("Give this criterion once; nothing was deleted.", name)


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
