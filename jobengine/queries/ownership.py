"""What belongs to somebody else is not found; ``owner_id`` None sees everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from jobengine.domain.errors import not_found
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Artifact, File, Job, Result, Task

Row = TypeVar("Row", File, Job, Task, Result, Artifact)


def own(owner_id: str | None, kind: str, identifier: str, found: Mapping[str, Row]) -> Row:
    """The row of an ID, if it is there and is the owner's; raises EngineError(NOT_FOUND) elsewhere."""
    row = found.get(identifier)
    if row is None or owner_id not in (None, row.owner_id):
        raise not_found(kind, identifier)
    return row


def check_job(ledger: Ledger, owner_id: str | None, job_id: str | None) -> None:
    """Raise EngineError(NOT_FOUND) for a job, if one is given, that is not the owner's."""
    if job_id is not None:
        own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))
