"""Pipelines of one's own: drafts, publishing, retiring."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from api.auth import READ, SUBMIT, caller, may
from api.native.blueprint import Blueprint
from api.native.catalog import PipelineShape
from api.native.shapes import pipeline_shape
from api.parts import parts
from jobengine.domain.records import Node
from jobengine.verbs.pipelines import PipelineDraft

blueprint = Blueprint("drafts", __name__, url_prefix="/api/v1/pipelines", description="Pipelines of one's own")

_KEY = validate.Regexp(r"^[A-Za-z][A-Za-z0-9_\-]{0,99}\Z", error="Use a letter, then letters, digits, _ or -.")


class NodeShape(Schema):
    """A step's place in a pipeline."""

    key = fields.String(required=True, validate=_KEY)
    step = fields.String(required=True, validate=validate.Length(1, 200))
    after = fields.List(fields.String(), load_default=list, validate=validate.Length(max=100))
    from_parent = fields.List(fields.String(), load_default=list, validate=validate.Length(max=100))
    parameters = fields.Dict(keys=fields.String(), load_default=dict)


class DraftShape(Schema):
    """A pipeline to be."""

    name = fields.String(required=True, validate=_KEY)
    title = fields.String(load_default="", validate=validate.Length(max=300))
    description = fields.String(load_default="", validate=validate.Length(max=5000))
    nodes = fields.List(fields.Nested(NodeShape), required=True, validate=validate.Length(1, 100))


class ValidShape(Schema):
    """A draft that could be published."""

    valid = fields.Boolean(required=True)


@blueprint.post("")
@may(SUBMIT)
@blueprint.arguments(DraftShape)
@blueprint.response(201, PipelineShape)
@blueprint.refuses(409, "The name is that of a built-in pipeline.")
def create_draft(body: dict[str, Any]) -> dict[str, Any]:
    """Make a draft; a name that there is already gets the next version."""
    return pipeline_shape(parts().engine.create_pipeline(caller().owner_id, _draft(body)))


@blueprint.post("/validate")
@may(SUBMIT)
@blueprint.arguments(DraftShape)
@blueprint.response(200, ValidShape)
def validate_draft(body: dict[str, Any]) -> dict[str, Any]:
    """Check a draft as publishing would; what is wrong is refused with its place."""
    parts().engine.check_pipeline(_draft(body))
    return {"valid": True}


@blueprint.get("/<id:pipeline_id>")
@may(READ)
@blueprint.response(200, PipelineShape)
def get_pipeline(pipeline_id: str) -> dict[str, Any]:
    """One pipeline."""
    return pipeline_shape(parts().queries.catalog.pipeline(caller().sees, pipeline_id))


@blueprint.put("/<id:pipeline_id>")
@may(SUBMIT)
@blueprint.arguments(DraftShape)
@blueprint.response(200, PipelineShape)
@blueprint.refuses(409, "The pipeline is published.")
def change_draft(body: dict[str, Any], pipeline_id: str) -> dict[str, Any]:
    """Change a draft; a published pipeline cannot change."""
    return pipeline_shape(parts().engine.change_pipeline(caller().sees, pipeline_id, _draft(body)))


@blueprint.post("/<id:pipeline_id>/publish")
@may(SUBMIT)
@blueprint.response(200, PipelineShape)
@blueprint.refuses(409, "The pipeline is retired.")
def publish(pipeline_id: str) -> dict[str, Any]:
    """Publish a draft once it is sound; from then on it takes jobs and cannot change."""
    return pipeline_shape(parts().engine.publish_pipeline(caller().sees, pipeline_id))


@blueprint.post("/<id:pipeline_id>/retire")
@may(SUBMIT)
@blueprint.response(200, PipelineShape)
@blueprint.refuses(409, "The pipeline is a draft.")
def retire(pipeline_id: str) -> dict[str, Any]:
    """Take no more jobs; those that run go on."""
    return pipeline_shape(parts().engine.retire_pipeline(caller().sees, pipeline_id))


def _draft(body: dict[str, Any]) -> PipelineDraft:
    nodes = tuple(
        Node(node["key"], node["step"], tuple(node["after"]), tuple(node["from_parent"]), node["parameters"])
        for node in body["nodes"]
    )
    return PipelineDraft(body["name"], nodes, body["title"], body["description"])
