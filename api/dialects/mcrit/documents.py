"""A job as a document: the page's keys and the real system's side by side, so that both kinds of reader are served.

The real system keeps no state; its clients work it out from ``started_at``, ``locked_by``, ``finished_at``,
``attempts_left`` and ``terminated``, in this order:
1. started, locked, neither finished nor terminated: in progress. So only a job that runs, or succeeded, is locked.
2. No attempts left, neither finished nor terminated: failed. So a failed job has no ``finished_at`` here.
3. Neither finished, locked nor terminated: queued.
4. Finished, not terminated: finished. So a terminated job has no ``finished_at`` here either.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from api.dialects.dialect import iso
from api.dialects.mcrit.wording import STATES
from jobengine.domain.records import Job
from jobengine.domain.rollup import fold_percentage
from jobengine.domain.states import JobState
from jobengine.queries.jobs import JobDetails

_ATTEMPTS = 3


def matches(job: Job, text: str) -> bool:
    """Whether the text filter finds the job: by its name, its ID, or its work as clients write it."""
    arguments = ", ".join(str(value) for value in _arguments(job).values())
    return any(text in searched for searched in (f"{job.pipeline_name}({arguments})", job.name, job.id))


def document(job: Job, details: JobDetails) -> dict[str, Any]:
    """The job with what it has around it."""
    return {
        **_page_keys(job, details.result_id),
        **_real_keys(job, details.result_id),
        **_relations(job, details),
        **_progress(job),
    }


def _page_keys(job: Job, result_id: str | None) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "method": job.pipeline_name,
        "state": STATES[job.state],
        "created": iso(job.created_at, with_zone=False),
        "finished": iso(job.finished_at, with_zone=False),
        "parameters": {key: dict(value) for key, value in job.parameters.items()},
        "result_id": result_id,
    }


def _real_keys(job: Job, result_id: str | None) -> dict[str, Any]:
    is_done = job.state is JobState.SUCCEEDED
    # A job that somebody outside drove may have ended without ever having started.
    started_at = job.finished_at if is_done and job.started_at is None else job.started_at
    is_locked = is_done or job.state is JobState.RUNNING
    return {
        "_id": {"$oid": job.id},
        "number": 0,
        "priority": job.priority,
        "attempts_left": 0 if job.state is JobState.FAILED else _ATTEMPTS,
        "locked_by": f"Worker-{job.id}" if is_locked else None,
        "locked_at": _date(started_at) if is_locked else None,
        "created_at": _date(job.created_at),
        "started_at": _date(started_at),
        "finished_at": _date(job.finished_at) if is_done else None,
        "terminated": job.state is JobState.CANCELED,
        "notify_done": is_done,
        "result": result_id,
    }


def _relations(job: Job, details: JobDetails) -> dict[str, Any]:
    failure = details.failure
    arguments = _arguments(job)
    hashes = {str(place): sha256 for place, (_, sha256) in enumerate(details.files)}
    return {
        "last_error": (failure.message or "The step failed and did not say why.") if failure else None,
        # The real system has texts of JSON here.
        "payload": {
            "method": job.pipeline_name,
            "params": json.dumps(arguments),
            "file_params": json.dumps({str(place): file_id for place, (file_id, _) in enumerate(details.files)}),
            "descriptor": json.dumps([job.pipeline_name, arguments, hashes]),
        },
        "required_by": [{"$oid": child_id} for child_id in details.child_ids],
        # A job is accepted when its parent has ended, so it never waits.
        "unfinished_dependencies": [],
        "all_dependencies": [job.parent_id] if job.parent_id else [],
    }


def _progress(job: Job) -> dict[str, Any]:
    """How far it is, from 0 to 1; absent before it started."""
    is_begun = job.started_at is not None or job.state is JobState.SUCCEEDED
    return {"progress": fold_percentage(job.progress, job.counts) / 100} if is_begun else {}


def _arguments(job: Job) -> dict[str, Any]:
    """The parameters, flat, by node and name."""
    return {f"{node}.{name}": value for node, values in job.parameters.items() for name, value in values.items()}


def _date(at: float | None) -> dict[str, str] | None:
    if at is None:
        return None
    return {"$date": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
