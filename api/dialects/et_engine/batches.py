"""Batches: list, status, delete one, delete all."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api.auth import SUBMIT
from api.dialects.et_engine.door import caller, find_batch, known_id
from api.dialects.et_engine.hardware import hardware
from api.dialects.et_engine.wording import counters_of
from api.dialects.long_lists import all_batches, written_list
from api.parts import parts
from jobengine.domain.filters import Page
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Pipeline
from jobengine.queries.batches import BatchView


def list_batches() -> Response:
    """All batches of the caller."""
    return written_list("[", (_shape(view) for view in all_batches(caller().sees)), lambda count: "]")


def delete_batches() -> Response:
    """Delete all batches of the caller, with their jobs."""
    owner_id = caller(SUBMIT).owner_id
    batches = parts().queries.batches.page(owner_id, Page(limit=None))
    parts().engine.delete_batches(owner_id, [batch.id for batch in batches])
    return Response(status=200)


def get_status(batch_id: str) -> Response:
    """How many jobs are in each of the seven states; these seven keys and no other."""
    view = parts().queries.batches.view(caller().sees, known_id(batch_id))
    return jsonify(counters_of(view.counts, view.deleted))


def delete_batch(batch_id: str) -> Response:
    """Delete one batch, with its jobs."""
    who = caller(SUBMIT)
    parts().engine.delete_batches(who.sees, [find_batch(who, batch_id).id])
    return Response(status=200)


def tool(pipeline_name: str, pipeline: Pipeline | None) -> dict[str, Any]:
    """A pipeline as a tool; of one that is gone there is only the name."""
    if pipeline is None:
        return {"tool_id": "", "tool_name": pipeline_name, "tool_description": ""}
    return {"tool_id": to_uuid(pipeline.id), "tool_name": pipeline.name, "tool_description": pipeline.description}


def _shape(view: BatchView) -> dict[str, Any]:
    asked = hardware(view.batch)
    return {
        "batch_id": to_uuid(view.batch.id),
        "batch_tool": tool(view.batch.pipeline_name, view.pipeline),
        "n_jobs": view.job_count,
        # The page's name, and the one that the client reads.
        "hardware": asked,
        "batch_hardware": asked,
    }
