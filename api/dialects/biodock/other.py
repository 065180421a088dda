"""Pipelines, and whether a key works."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api.dialects.biodock.door import blueprint, caller
from api.dialects.dialect import iso
from api.parts import parts
from jobengine.domain.filters import Page
from jobengine.domain.records import Pipeline, PipelineState


@blueprint.get("/check")
def check() -> Response:
    """Who the key belongs to. The page's own spelling of ``messsage`` is kept, beside the right one."""
    name = parts().queries.owners.get(caller().owner_id).name
    message = "The API key works."
    # Clients read a text. We know no address but one that an owner is named by, and make up none.
    email = name if "@" in name else ""
    return jsonify({"user": name, "email": email, "messsage": message, "message": message})


@blueprint.get("/pipelines")
def list_pipelines() -> Response:
    """The published pipelines."""
    rows = parts().queries.catalog.pipelines(caller().sees, Page(limit=None))
    results = [_shape(pipeline) for pipeline in rows if pipeline.state is PipelineState.PUBLISHED]
    return jsonify({"results": results, "count": len(results)})


def _shape(pipeline: Pipeline) -> dict[str, Any]:
    names = ("id", "name", "description")
    return {**{name: getattr(pipeline, name) for name in names}, "createdAt": iso(pipeline.created_at)}
