"""What an event does to a task: the one applier behind every guarded write.

Each function takes a task as the ledger has it and returns the task as it would be; it raises MoveRefused when
the state machine has no such move or when the event belongs to another attempt. Nothing here writes.
"""

from __future__ import annotations

from typing import Any

from jobengine.domain.records import PROGRESS_DONE, Task
from jobengine.domain.states import FailureKind, MoveRefused, TaskEvent, next_state

_POSITIONS = {name: position for position, name in enumerate(Task._fields)}


def release(task: Task) -> Task:
    """All predecessors are final: the task may be dispatched."""
    return _changed(task, state=next_state(task.state, TaskEvent.RELEASE))


def dispatch(task: Task, delivery_id: str, now: float) -> Task:
    """A new attempt is on its way in the delivery."""
    return _changed(
        task,
        state=next_state(task.state, TaskEvent.DISPATCH),
        attempt=task.attempt + 1,
        delivery_id=delivery_id,
        worker=None,
        lease_expires_at=None,
        enqueued_at=now,
        started_at=None,
    )


def claim(task: Task, attempt: int, worker: str, lease_expires_at: float) -> Task:
    """A worker holds the delivery until the lease expires; a renewal is the same event."""
    _fence(task, TaskEvent.CLAIM, attempt)
    return _changed(
        task,
        state=next_state(task.state, TaskEvent.CLAIM),
        worker=worker,
        lease_expires_at=lease_expires_at,
    )


def start(task: Task, attempt: int, worker: str, at: float, lease_expires_at: float | None = None) -> Task:
    """The step began to run."""
    _fence(task, TaskEvent.START, attempt)
    return _changed(
        task,
        state=next_state(task.state, TaskEvent.START),
        worker=worker,
        started_at=at,
        lease_expires_at=lease_expires_at,
    )


def progress(task: Task, attempt: int, fraction: float, message: str) -> Task:
    """The step says how far it is; what it once reached it keeps, also over retries."""
    _fence(task, TaskEvent.PROGRESS, attempt)
    thousandths = min(max(int(fraction * PROGRESS_DONE), task.progress), PROGRESS_DONE - 1)
    return _changed(task, state=next_state(task.state, TaskEvent.PROGRESS), progress=thousandths, message=message)


def succeed(task: Task, attempt: int, now: float) -> Task:
    """The attempt returned a result."""
    _fence(task, TaskEvent.SUCCEED, attempt)
    return _end(task, now, state=next_state(task.state, TaskEvent.SUCCEED), message="")


def fail(task: Task, attempt: int, kind: FailureKind, message: str, now: float) -> Task:
    """The attempt failed and the task is not tried again."""
    _fence(task, TaskEvent.FAIL, attempt)
    return _end(
        task,
        now,
        state=next_state(task.state, TaskEvent.FAIL),
        failures=task.failures + (kind is not FailureKind.SYSTEM),
        failure_kind=kind,
        message=message,
    )


def retry(task: Task, attempt: int, kind: FailureKind, message: str, not_before: float) -> Task:
    """The attempt failed and another one is due, not before a time; it costs one of the retries, unless we failed."""
    _fence(task, TaskEvent.RETRY, attempt)
    return _let_go(
        task,
        state=next_state(task.state, TaskEvent.RETRY),
        failures=task.failures + (kind is not FailureKind.SYSTEM),
        failure_kind=kind,
        message=message,
        not_before=not_before,
    )


def rescue(task: Task, attempt: int, *, took_worker_down: bool, not_before: float) -> Task:
    """The attempt is gone through no fault of the step; it costs no retry.

    ``took_worker_down`` counts a loss: a task that does so again and again is poison.
    """
    _fence(task, TaskEvent.RESCUE, attempt)
    return _let_go(
        task,
        state=next_state(task.state, TaskEvent.RESCUE),
        losses=task.losses + (1 if took_worker_down else 0),
        not_before=not_before,
    )


def cancel(task: Task, message: str, now: float) -> Task:
    """Nobody wants the task any more, or what it needs will never be there."""
    return _end(task, now, state=next_state(task.state, TaskEvent.CANCEL), message=message)


def _fence(task: Task, event: TaskEvent, attempt: int) -> None:
    if attempt != task.attempt:
        raise MoveRefused(task.state, event, f"attempt {attempt} is not the current one, {task.attempt}")


def _end(task: Task, now: float, **changes: Any) -> Task:
    return _changed(task, progress=PROGRESS_DONE, finished_at=now, lease_expires_at=None, **changes)


def _let_go(task: Task, **changes: Any) -> Task:
    # When it last began stays until the next dispatch: its job must learn that it ever started.
    return _changed(task, worker=None, delivery_id=None, lease_expires_at=None, enqueued_at=None, **changes)


def _changed(task: Task, **changes: Any) -> Task:
    # Task._replace takes twice as long, and every task comes here four times.
    values = list(task)
    for name, value in changes.items():
        values[_POSITIONS[name]] = value
    return Task._make(values)
