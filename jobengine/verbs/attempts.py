"""Attempt rows: written once, when an attempt ends; what is under way is on the task itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.records import Attempt, Task
from jobengine.domain.states import FailureKind

_NOTHING: Mapping[str, Any] = {}


def ended_attempt(
    task: Task,
    outcome: str,
    now: float,
    *,
    accepted: bool = False,
    kind: FailureKind | None = None,
    message: str = "",
    body: Mapping[str, Any] = _NOTHING,
) -> Attempt:
    """The row of the attempt that ``task``, as it was before its move, was in."""
    return Attempt(
        task_id=task.id,
        number=task.attempt,
        job_id=task.job_id,
        outcome=outcome,
        accepted=accepted,
        delivery_id=task.delivery_id,
        worker=task.worker,
        enqueued_at=task.enqueued_at,
        started_at=task.started_at,
        finished_at=now,
        failure_kind=kind,
        message=message,
        traceback=str(body.get("traceback") or ""),
        cpu_seconds=body.get("cpu_seconds"),
        peak_memory_bytes=body.get("peak_memory_bytes"),
    )


def end_attempts(ledger: Ledger, moved: Iterable[TaskChange], outcome: str, now: float, message: str = "") -> None:
    """Write the rows of attempts that were under way when their tasks were moved from outside."""
    ended = [
        ended_attempt(change.before, outcome, now, message=message)
        for change in moved
        if change.before.delivery_id is not None
    ]
    if ended:
        ledger.results.insert_attempts(ended)
