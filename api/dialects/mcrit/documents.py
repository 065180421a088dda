"""A job as a document: the page's keys and the real system's side by side, so that both kinds of reader are served.

The real system keeps no state; its clients work it out from ``started_at``, ``locked_by``, ``finished_at``,
``attempts_left`` and ``terminated``. So a failed job has no ``finished_at`` here, as it has none there.
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

_ATTEMPTS = 3


def describe(job: Job) -> str:
    """A job's work as one line, in which the text filter looks."""
    return f"{job.pipeline_name}({', '.join(_arguments(job).values())})"


def document(job: Job, result_id: str | None) -> dict[str, Any]:
    """The job with the ID of its result, if it has one."""
    return {**_page_keys(job, result_id), **_real_keys(job, result_id), **_progress(job)}


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
    is_ended = job.state in (JobState.SUCCEEDED, JobState.CANCELED)
    worker = f"Worker-{job.id}" if job.started_at is not None else None
    arguments = json.dumps(_arguments(job))
    return {
        "_id": {"$oid": job.id},
        "number": 0,
        "priority": job.priority,
        "attempts_left": 0 if job.state is JobState.FAILED else _ATTEMPTS,
        "locked_by": worker,
        "locked_at": _date(job.started_at),
        "last_error": "a task of the job failed" if job.state is JobState.FAILED else None,
        "created_at": _date(job.created_at),
        "started_at": _date(job.started_at),
        "finished_at": _date(job.finished_at) if is_ended else None,
        "terminated": job.state is JobState.CANCELED,
        "notify_done": job.state is JobState.SUCCEEDED,
        "result": result_id,
        "payload": {
            "method": job.pipeline_name,
            "params": arguments,
            "file_params": "{}",
            "descriptor": json.dumps([job.pipeline_name, _arguments(job), {}]),
        },
        "required_by": [],
        "unfinished_dependencies": [],
        "all_dependencies": [job.parent_id] if job.parent_id else [],
    }


def _progress(job: Job) -> dict[str, Any]:
    """How far it is, from 0 to 1; absent before it started."""
    return {"progress": fold_percentage(job.progress, job.counts) / 100} if job.started_at is not None else {}


def _arguments(job: Job) -> dict[str, str]:
    return {"0": job.name or job.id}


def _date(at: float | None) -> dict[str, str] | None:
    if at is None:
        return None
    return {"$date": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
