"""Jobs of a batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify

from api.dialects.dialect import iso
from api.dialects.et_engine.batches import tool
from api.dialects.et_engine.door import caller, find_batch, known_id
from api.dialects.et_engine.hardware import hardware
from api.dialects.et_engine.wording import counter_of
from api.dialects.long_lists import all_jobs, stretches, written_list
from api.parts import parts
from jobengine.domain.errors import not_found
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Job
from jobengine.domain.states import JobState


def list_jobs(batch_id: str) -> Response:
    """All jobs of a batch, in the order of their submission."""
    batch = find_batch(caller(), batch_id)
    return written_list("[", _documents(all_jobs(JobFilter(batch_id=batch.id), descending=False)), lambda count: "]")


def get_job(batch_id: str, job_id: str) -> Response:
    """One job, as the only entry of a list."""
    who = caller()
    batch = find_batch(who, batch_id)
    where = JobFilter(owner_id=who.sees, ids=(known_id(job_id),), batch_id=batch.id)
    found = parts().queries.jobs.page(where, Page(limit=1))
    if not found:
        raise not_found("job", job_id)
    job = found[0]
    asked = hardware(batch)
    return jsonify(
        [
            {
                "job_id": to_uuid(job.id),
                "log_id": to_uuid(batch.id),
                "hardware": {
                    "filesystems": [entry["filesystem_id"] for entry in asked["filesystem_list"]],
                    "memory": asked["memory"],
                    "cpu": asked["cpu"],
                },
                "args": _arguments(job),
                "status": counter_of(job).upper(),
                "reason": _reason(job),
                "create_time": iso(job.created_at),
                "start_time": iso(job.started_at) or "",
                "stop_time": iso(job.finished_at) or "",
            }
        ]
    )


def _documents(jobs: Iterator[Job]) -> Iterator[dict[str, Any]]:
    for stretch in stretches(jobs):
        pipelines = parts().queries.catalog.pipelines_of(stretch)
        for job in stretch:
            yield _shape(job, tool(job.pipeline_name, pipelines.get(job.pipeline_id)))


def _shape(job: Job, its_tool: dict[str, Any]) -> dict[str, Any]:
    arguments = [{"argument_key": key, "argument_value": value} for key, value in _arguments(job).items()]
    return {
        "job_id": to_uuid(job.id),
        "job_tool": its_tool,
        "job_log_id": to_uuid(job.batch_id or job.id),
        "job_argument_list": arguments,
    }


def _arguments(job: Job) -> dict[str, str]:
    """The parameters, flat and as text."""
    return {
        f"{node}.{name}": value if isinstance(value, str) else json.dumps(value)
        for node, values in job.parameters.items()
        for name, value in values.items()
    }


def _reason(job: Job) -> str:
    if job.state is JobState.CANCELED:
        return "canceled"
    if job.state is not JobState.FAILED:
        return ""
    failure = parts().queries.jobs.first_failure(job)
    return failure.message if failure else ""
