"""Criteria for jobs, as every route reads them: all that are given must hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.paging import check_id
from jobengine.domain.filters import JobFilter
from jobengine.domain.states import JobState

TIMES = tuple(f"{name}_{side}" for name in ("created", "started", "finished") for side in ("before", "after"))
# Nothing that people date here lies outside, and a year is left before those that cannot be spelled in every zone.
EARLIEST, LATEST = 0.0, datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Moment(fields.Field[float]):
    """A time as ISO 8601, in UTC where it names no zone; seconds since 1970 within."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        try:
            given = datetime.fromisoformat(value)
            at = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError, OverflowError):
            raise ValidationError("Give a time like 2024-01-31 or 2024-01-31T12:00:00Z.") from None
        if not EARLIEST <= at < LATEST:
            raise ValidationError("Give a time from 1970 to 9998.")
        return at


# An empty text is a part of every text: what looks like a criterion would be none.
SOME_TEXT = validate.Length(1, 300, error="Give a text of 1 to 300 characters.")


def moment_field() -> Moment:
    """A criterion in time."""
    about = "A time like `2024-01-31` or `2024-01-31T12:00:00Z`."
    return Moment(load_default=None, metadata={"type": "string", "description": about})


class JobCriteria(Schema):
    """Which jobs."""

    id = fields.List(fields.String(validate=check_id), load_default=None, validate=validate.Length(max=1000))
    state = fields.List(fields.Enum(JobState, by_value=True), load_default=None)
    pipeline = fields.String(load_default=None, validate=SOME_TEXT, metadata={"description": "The name of a pipeline."})
    method = fields.String(load_default=None, validate=SOME_TEXT, metadata={"description": "The same as pipeline."})
    batch = fields.String(load_default=None, validate=check_id)
    parent = fields.String(load_default=None, validate=check_id)
    text = fields.String(
        load_default=None, validate=SOME_TEXT, metadata={"description": "A part of the name or of the ID."}
    )
    label = fields.List(
        fields.String(validate=validate.Regexp("^[^=]+=", error="Write a label as name=value.")),
        load_default=None,
        metadata={"description": "A label as `name=value`."},
    )
    created_before = moment_field()
    created_after = moment_field()
    started_before = moment_field()
    started_after = moment_field()
    finished_before = moment_field()
    finished_after = moment_field()


def has_criteria(given: dict[str, Any]) -> bool:
    """Whether any criterion was given."""
    return any(given.get(name) not in (None, []) for name in JobCriteria().fields)


def job_filter(owner_id: str | None, given: dict[str, Any], sort: str = "created_at") -> JobFilter:
    """The filter that the criteria add up to. IDs and states that are named several times are alternatives."""
    states, ids = given["state"], given["id"]
    labels = {(name, value) for name, _, value in (label.partition("=") for label in given["label"] or ())}
    pipelines = {given[name] for name in ("pipeline", "method") if given[name] is not None}
    if len(pipelines) > 1 or len(dict(labels)) < len(labels):
        # No job has two pipelines, nor two values of one label.
        ids = ()
    return JobFilter(
        owner_id=owner_id,
        ids=tuple(ids) if ids is not None else None,
        states=tuple(states) if states else None,
        pipeline_name=next(iter(pipelines), None),
        batch_id=given["batch"],
        parent_id=given["parent"],
        text=given["text"],
        labels=dict(labels),
        sort=sort,
        **{name: given[name] for name in TIMES},
    )
