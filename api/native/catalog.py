"""Steps and pipelines: what can be run."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api.auth import READ, caller, may
from api.native.blueprint import Blueprint
from api.native.members import id_member, word_member
from api.native.shapes import page_shape, pipeline_shape, step_shape
from api.paging import PageArguments, Place, listed, page_of
from api.parts import parts
from jobengine.domain.records import PipelineState, Scope

blueprint = Blueprint("catalog", __name__, url_prefix="/api/v1", description="What can be run")


class StepShape(Schema):
    """A step as a worker announced it."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    scope = word_member(Scope)
    result_kind = fields.String(required=True)
    queue = fields.String(required=True)
    accepts = fields.List(fields.String(), required=True)
    time_limit_seconds = fields.Float(required=True)
    resources = fields.Dict(required=True)
    parameters_schema = fields.Dict(required=True)


class PlacedStepShape(Schema):
    """A step's place in a pipeline."""

    key = fields.String(required=True)
    step = fields.String(required=True)
    after = fields.List(fields.String(), required=True)
    from_parent = fields.List(fields.String(), required=True)
    parameters = fields.Dict(required=True)


class PipelineShape(Schema):
    """A pipeline."""

    id = id_member()
    owner = id_member("Whose it is; null: built in.", optional=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    state = word_member(PipelineState)
    title = fields.String(required=True)
    description = fields.String(required=True)
    nodes = fields.List(fields.Nested(PlacedStepShape), required=True)


class StepArguments(PageArguments):
    """Which steps; a cursor is the name of one."""

    def place_of(self, cursor: str, arguments: dict[str, Any]) -> Place:
        """Any text has its place among names."""
        return None, cursor


@blueprint.get("/steps")
@may(READ)
@blueprint.arguments(StepArguments, location="query")
@blueprint.response(200, page_shape(StepShape))
def list_steps(arguments: dict[str, Any]) -> dict[str, Any]:
    """List the steps by name, with the JSON Schema of their parameters."""
    rows = parts().queries.catalog.steps(page_of(arguments, descending=False))
    return listed(rows, arguments, [step_shape(step) for step in rows], lambda step: step.name)


@blueprint.get("/pipelines")
@may(READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_shape(PipelineShape))
def list_pipelines(arguments: dict[str, Any]) -> dict[str, Any]:
    """List the built-in pipelines and the caller's own."""
    rows = parts().queries.catalog.pipelines(caller().sees, page_of(arguments))
    return listed(rows, arguments, [pipeline_shape(pipeline) for pipeline in rows])
