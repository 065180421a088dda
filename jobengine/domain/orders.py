"""The orders that lists of jobs have: what each goes by, before the ID breaks ties."""

from __future__ import annotations

from collections.abc import Mapping

from jobengine.domain.records import Job

Key = str | int | float

SORTS: Mapping[str, type[Key]] = {
    "created_at": float,
    "started_at": float,
    "finished_at": float,
    "name": str,
    "priority": int,
}
"""The names of the orders, and what their keys are."""

NEVER = -1.0
"""The key of a time that has not come; it is before all others."""


def sort_key(job: Job, sort: str) -> Key:
    """What a job goes by in a list of that order."""
    key: Key | None = getattr(job, sort)
    return NEVER if key is None else key
