"""Every pair of state and event, and what each event does to a task."""

from __future__ import annotations

from itertools import product

import pytest

from jobengine.domain import moves
from jobengine.domain.records import PROGRESS_DONE, Task
from jobengine.domain.states import (
    SPEAKERS,
    TRANSITIONS,
    FailureKind,
    MoveRefused,
    TaskEvent,
    TaskState,
    draw_table,
    next_state,
    states_before,
)
from tests.unit.domain.rows import make_task

S, E = TaskState, TaskEvent

# Written out by hand from the architecture, so that the table in the code is checked against something else.
EXPECTED = {
    E.RELEASE: ({S.WAITING}, {S.READY}),
    E.DISPATCH: ({S.READY}, {S.ENQUEUED}),
    E.CLAIM: ({S.ENQUEUED, S.RUNNING}, {S.ENQUEUED, S.RUNNING}),
    E.START: ({S.ENQUEUED}, {S.RUNNING}),
    E.PROGRESS: ({S.RUNNING}, {S.RUNNING}),
    E.SUCCEED: ({S.ENQUEUED, S.RUNNING}, {S.SUCCEEDED}),
    E.FAIL: ({S.ENQUEUED, S.RUNNING}, {S.FAILED}),
    E.RETRY: ({S.ENQUEUED, S.RUNNING}, {S.READY}),
    E.RESCUE: ({S.ENQUEUED, S.RUNNING}, {S.READY}),
    E.CANCEL: ({S.WAITING, S.READY, S.ENQUEUED, S.RUNNING}, {S.CANCELED}),
}

APPLIERS = {
    E.RELEASE: lambda task, attempt: moves.release(task),
    E.DISPATCH: lambda task, attempt: moves.dispatch(task, "4" * 24, 200.0),
    E.CLAIM: lambda task, attempt: moves.claim(task, attempt, "worker-2", 300.0),
    E.START: lambda task, attempt: moves.start(task, attempt, "worker-2", 200.0, 300.0),
    E.PROGRESS: lambda task, attempt: moves.progress(task, attempt, 0.5, "half"),
    E.SUCCEED: lambda task, attempt: moves.succeed(task, attempt, 200.0),
    E.FAIL: lambda task, attempt: moves.fail(task, attempt, FailureKind.CRASH, "broke", 200.0),
    E.RETRY: lambda task, attempt: moves.retry(task, attempt, FailureKind.CRASH, "broke", 210.0),
    E.RESCUE: lambda task, attempt: moves.rescue(task, attempt, took_worker_down=True, not_before=200.0),
    E.CANCEL: lambda task, attempt: moves.cancel(task, "not wanted", 200.0),
}

FENCED = (E.CLAIM, E.START, E.PROGRESS, E.SUCCEED, E.FAIL, E.RETRY, E.RESCUE)


def test_every_event_has_a_speaker_an_applier_and_an_expectation() -> None:
    assert set(SPEAKERS) == set(APPLIERS) == set(EXPECTED) == set(TaskEvent)


@pytest.mark.parametrize(("state", "event"), list(product(TaskState, TaskEvent)))
def test_every_pair_of_state_and_event(state: TaskState, event: TaskEvent) -> None:
    task = make_task(state=state)
    before, after = EXPECTED[event]
    if state in before:
        moved: Task = APPLIERS[event](task, task.attempt)
        assert moved.state is next_state(state, event)
        assert moved.state in after
    else:
        with pytest.raises(MoveRefused, match=f"{event.value} refused in state {state.value}"):
            APPLIERS[event](task, task.attempt)
    assert task == make_task(state=state)


@pytest.mark.parametrize("event", list(TaskEvent))
def test_the_states_before_an_event_are_those_of_the_table(event: TaskEvent) -> None:
    assert states_before(event) == EXPECTED[event][0]


@pytest.mark.parametrize(("event", "attempt"), list(product(FENCED, (0, 2))))
def test_an_event_of_another_attempt_is_refused_in_every_state(event: TaskEvent, attempt: int) -> None:
    for state in TaskState:
        with pytest.raises(MoveRefused, match="not the current one"):
            APPLIERS[event](make_task(state=state), attempt)


@pytest.mark.parametrize("state", [state for state in TaskState if state.is_final])
def test_no_event_leads_out_of_a_final_state(state: TaskState) -> None:
    assert not [event for before, event in TRANSITIONS if before is state]


def test_only_dispatch_raises_the_attempt() -> None:
    for state, event in TRANSITIONS:
        task = make_task(state=state)
        moved: Task = APPLIERS[event](task, 1)
        assert moved.attempt == (2 if event is E.DISPATCH else 1)


def test_progress_never_falls_and_is_never_whole_before_the_end() -> None:
    task = make_task(progress=400)
    assert moves.progress(task, 1, 0.2, "").progress == 400
    assert moves.progress(task, 1, 0.7, "").progress == 700
    assert moves.progress(task, 1, 9.0, "").progress == PROGRESS_DONE - 1
    assert moves.rescue(task, 1, took_worker_down=False, not_before=1.0).progress == 400
    assert moves.succeed(task, 1, 2.0).progress == PROGRESS_DONE


def test_a_retry_costs_a_failure_and_a_rescue_costs_none() -> None:
    task = make_task()
    assert moves.retry(task, 1, FailureKind.CRASH, "", 1.0).failures == 1
    rescued = moves.rescue(task, 1, took_worker_down=False, not_before=1.0)
    assert (rescued.failures, rescued.losses) == (0, 0)
    assert moves.rescue(task, 1, took_worker_down=True, not_before=1.0).losses == 1


def test_a_task_that_goes_back_holds_neither_worker_nor_lease() -> None:
    task = make_task(lease_expires_at=5.0, enqueued_at=1.0, started_at=2.0)
    for after in (
        moves.retry(task, 1, FailureKind.CRASH, "", 1.0),
        moves.rescue(task, 1, took_worker_down=False, not_before=1.0),
    ):
        held = {name: value for name, value in after._asdict().items() if name in _HELD}
        assert held == dict.fromkeys(_HELD)


_HELD = ("worker", "delivery_id", "lease_expires_at", "enqueued_at")


def test_the_table_in_words_names_every_event_once() -> None:
    lines = draw_table().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [event.value for event in TaskEvent]
    assert "| release | waiting → ready | engine: predecessors are done |" in lines
