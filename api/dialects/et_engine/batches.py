"""Batches: list, status, delete one, delete all."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api.auth import SUBMIT
from api.dialects.et_engine.door import caller, find_batch
from api.dialects.et_engine.wording import COUNTERS, FINAL_COUNTERS, counter_of
from api.parts import parts
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Batch
from jobengine.domain.states import JobState


def list_batches() -> Response:
    """All batches of the caller."""
    who = caller()
    return jsonify([_shape(batch) for batch in parts().queries.batches(who.sees, Page(limit=None))])


def delete_batches() -> Response:
    """Delete all batches of the caller, with their jobs."""
    owner_id = caller(SUBMIT).owner_id
    batches = parts().queries.batches(owner_id, Page(limit=None))
    parts().engine.delete_batches(owner_id, [batch.id for batch in batches])
    return Response(status=200)


def get_status(batch_id: str) -> Response:
    """How many jobs are in each of the seven states; these seven keys and no other."""
    batch = find_batch(caller(), batch_id)
    counts = dict.fromkeys(COUNTERS, 0)
    for state, word in FINAL_COUNTERS.items():
        counts[word] += parts().queries.count_jobs(JobFilter(batch_id=batch.id, states=(state,)))
    waiting = JobFilter(batch_id=batch.id, states=(JobState.PENDING,))
    for job in parts().queries.jobs(waiting, Page(limit=None)):
        counts[counter_of(job)] += 1
    return jsonify(counts)


def delete_batch(batch_id: str) -> Response:
    """Delete one batch, with its jobs."""
    who = caller(SUBMIT)
    parts().engine.delete_batches(who.sees, [find_batch(who, batch_id).id])
    return Response(status=200)


def tool(pipeline_name: str, sees: str | None) -> dict[str, Any]:
    """A pipeline as a tool."""
    pipeline = parts().queries.find_pipeline(sees, pipeline_name)
    identifier = to_uuid(pipeline.id) if pipeline else ""
    description = pipeline.description if pipeline else ""
    return {"tool_id": identifier, "tool_name": pipeline_name, "tool_description": description}


def hardware(batch: Batch) -> dict[str, Any]:
    """What the batch asked for."""
    given = batch.hardware
    return {
        "filesystem_list": list(given.get("filesystem_list") or []),
        "cpu": int(given.get("cpu") or 1),
        "memory": int(given.get("memory") or 512),
    }


def _shape(batch: Batch) -> dict[str, Any]:
    asked = hardware(batch)
    return {
        "batch_id": to_uuid(batch.id),
        "batch_tool": tool(batch.pipeline_name, batch.owner_id),
        "n_jobs": parts().queries.count_jobs(JobFilter(batch_id=batch.id)),
        # The page's name, and the one that the client reads.
        "hardware": asked,
        "batch_hardware": asked,
    }
