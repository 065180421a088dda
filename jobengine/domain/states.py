"""The state machine of a task: one table, one applier.

Rules:
1. A pair of state and event that the table does not name is refused and changes nothing.
2. Final is final: no event leads out of ``succeeded``, ``failed`` or ``canceled``.
3. The attempt number is the fence. Only ``dispatch`` raises it; an event that carries an attempt is
   refused unless it is the task's own.
"""

from __future__ import annotations

from enum import Enum


class TaskState(str, Enum):
    """Where a task is; ordered as it moves."""

    WAITING = "waiting"
    READY = "ready"
    ENQUEUED = "enqueued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


class TaskEvent(str, Enum):
    """What can happen to a task."""

    RELEASE = "release"
    DISPATCH = "dispatch"
    CLAIM = "claim"
    START = "start"
    PROGRESS = "progress"
    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"
    RESCUE = "rescue"
    CANCEL = "cancel"


class JobState(str, Enum):
    """What the tasks of a job add up to."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)


class FailureKind(str, Enum):
    """Why an attempt failed: users act on the first, operators on the last."""

    STEP = "step"
    CRASH = "crash"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    LOST = "lost"
    SYSTEM = "system"


S, E = TaskState, TaskEvent

FINAL_STATES = frozenset({S.SUCCEEDED, S.FAILED, S.CANCELED})

TRANSITIONS: dict[tuple[TaskState, TaskEvent], TaskState] = {
    (S.WAITING, E.RELEASE): S.READY,
    (S.READY, E.DISPATCH): S.ENQUEUED,
    (S.ENQUEUED, E.CLAIM): S.ENQUEUED,
    (S.RUNNING, E.CLAIM): S.RUNNING,
    (S.ENQUEUED, E.START): S.RUNNING,
    (S.RUNNING, E.PROGRESS): S.RUNNING,
    (S.ENQUEUED, E.SUCCEED): S.SUCCEEDED,
    (S.RUNNING, E.SUCCEED): S.SUCCEEDED,
    (S.ENQUEUED, E.FAIL): S.FAILED,
    (S.RUNNING, E.FAIL): S.FAILED,
    (S.ENQUEUED, E.RETRY): S.READY,
    (S.RUNNING, E.RETRY): S.READY,
    (S.ENQUEUED, E.RESCUE): S.READY,
    (S.RUNNING, E.RESCUE): S.READY,
    (S.WAITING, E.CANCEL): S.CANCELED,
    (S.READY, E.CANCEL): S.CANCELED,
    (S.ENQUEUED, E.CANCEL): S.CANCELED,
    (S.RUNNING, E.CANCEL): S.CANCELED,
}

# Who may say so; the table in the docs is drawn from these two.
SPEAKERS: dict[TaskEvent, str] = {
    E.RELEASE: "engine: predecessors are done",
    E.DISPATCH: "dispatcher",
    E.CLAIM: "report of that attempt (a worker took the delivery, or renewed its lease)",
    E.START: "report of that attempt",
    E.PROGRESS: "report of that attempt",
    E.SUCCEED: "report of that attempt",
    E.FAIL: "report of that attempt",
    E.RETRY: "recorder, by the step's retry policy",
    E.RESCUE: "rescuer: lease lapsed or message gone",
    E.CANCEL: "client, or a predecessor that failed",
}


class MoveRefused(Exception):
    """The table has no such move, or the event belongs to another attempt."""

    def __init__(self, state: TaskState, event: TaskEvent, reason: str) -> None:
        super().__init__(f"{event.value} refused in state {state.value}: {reason}")
        self.state = state
        self.event = event


def next_state(state: TaskState, event: TaskEvent) -> TaskState:
    """The state that the event leads to; raises MoveRefused for a pair that the table does not name."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise MoveRefused(state, event, "no such move") from None


def states_before(event: TaskEvent) -> frozenset[TaskState]:
    """The states in which the event is accepted."""
    return frozenset(state for state, accepted in TRANSITIONS if accepted is event)


def draw_table() -> str:
    """The state table as Markdown, for the documentation."""
    lines = ["| event | from → to | who says so |", "|---|---|---|"]
    for event in TaskEvent:
        moves: dict[TaskState, list[str]] = {}
        for (before, accepted), after in TRANSITIONS.items():
            if accepted is event:
                moves.setdefault(after, []).append(before.value)
        arrows = "; ".join(f"{', '.join(before)} → {after.value}" for after, before in moves.items())
        lines.append(f"| {event.value} | {arrows} | {SPEAKERS[event]} |")
    return "\n".join(lines)
