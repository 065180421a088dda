"""Many jobs at once: statistics, cancel and delete by criteria."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marshmallow import Schema, fields

from api.auth import READ, SUBMIT, caller, may
from api.native.blueprint import Blueprint
from api.native.criteria import JobCriteria, has_criteria, job_filter
from api.native.members import counts_member
from api.parts import parts
from jobengine.domain.errors import invalid
from jobengine.domain.states import JobState

blueprint = Blueprint("many-jobs", __name__, url_prefix="/api/v1/jobs", description="Many jobs at once")


class ManyArguments(JobCriteria):
    """Which jobs; none at all needs ``all=true``."""

    all = fields.Boolean(load_default=False)
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Only say how many there are."})


class ManyShape(Schema):
    """How many jobs met the criteria."""

    jobs = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)


class StatisticsShape(Schema):
    """Numbers of jobs."""

    total = fields.Integer(required=True)
    by_state = counts_member(JobState)
    by_pipeline = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()), required=True
    )


@blueprint.get("/statistics")
@may(READ)
@blueprint.response(200, StatisticsShape)
def get_statistics() -> dict[str, Any]:
    """Jobs by state and by pipeline; takes the same time however many there are."""
    rows = parts().queries.jobs.statistics(caller().sees)
    by_state = {state.value: 0 for state in JobState}
    by_pipeline: dict[str, dict[str, int]] = {}
    for (pipeline, state), count in rows.items():
        by_state[state.value] += count
        by_pipeline.setdefault(pipeline, {})[state.value] = count
    return {"total": sum(by_state.values()), "by_state": by_state, "by_pipeline": by_pipeline}


@blueprint.delete("")
@may(SUBMIT)
@blueprint.arguments(ManyArguments, location="query")
@blueprint.response(200, ManyShape)
def delete_jobs(arguments: dict[str, Any]) -> dict[str, Any]:
    """Delete the caller's jobs that meet all criteria, with all that belongs to them; what runs is canceled."""
    where = job_filter(caller().owner_id, _checked(arguments))
    if arguments["dry_run"]:
        return {"jobs": parts().queries.jobs.count(where), "dry_run": True}
    return {"jobs": parts().engine.delete_where(where), "dry_run": False}


@blueprint.post("/cancel")
@may(SUBMIT)
@blueprint.arguments(ManyArguments, location="query")
@blueprint.response(200, ManyShape)
def cancel_jobs(arguments: dict[str, Any]) -> dict[str, Any]:
    """Cancel what is unfinished of the caller's jobs that meet all criteria."""
    where = job_filter(caller().owner_id, _checked(arguments))
    open_states = tuple(state for state in where.states or JobState if not state.is_final)
    where = replace(where, states=open_states)
    if arguments["dry_run"]:
        return {"jobs": parts().queries.jobs.count(where), "dry_run": True}
    return {"jobs": parts().engine.cancel_where(where), "dry_run": False}


def _checked(arguments: dict[str, Any]) -> dict[str, Any]:
    if not has_criteria(arguments) and not arguments["all"]:
        raise invalid("Name at least one criterion, or say all=true to mean all of your jobs.", "all")
    return arguments
