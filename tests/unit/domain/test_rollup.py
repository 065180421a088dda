"""The fold of a job's tasks, enumerated over everything that small jobs can go through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest

from jobengine.domain.records import Counts
from jobengine.domain.rollup import fold_percentage, fold_state
from jobengine.domain.states import TRANSITIONS, JobState, TaskState

Tasks = tuple[TaskState, ...]
S, J = TaskState, JobState

ORDER = {J.PENDING: 0, J.RUNNING: 1, J.SUCCEEDED: 2, J.FAILED: 2, J.CANCELED: 2}


def count(tasks: Tasks) -> Counts:
    """How many tasks are in each state."""
    return Counts(**Counter(task.value for task in tasks))


def moves_of(tasks: Tasks) -> Iterator[Tasks]:
    """Every arrangement that one move of one task leads to."""
    for index, (before, after) in product(
        range(len(tasks)), {(before, after) for (before, _), after in TRANSITIONS.items()}
    ):
        if tasks[index] is before:
            yield (*tasks[:index], after, *tasks[index + 1 :])


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("tolerated", [0, 1, 2])
@pytest.mark.parametrize("is_cancel_requested", [False, True])
def test_a_job_never_goes_backwards_and_never_leaves_a_final_state(
    size: int, tolerated: int, is_cancel_requested: bool
) -> None:
    def fold(tasks: Tasks, started: bool) -> JobState:
        return fold_state(
            count(tasks),
            has_ever_started=started,
            tolerated_failures=tolerated,
            is_cancel_requested=is_cancel_requested,
        )

    seen: set[tuple[Tasks, bool]] = set()
    open_ends = [(tasks, False) for tasks in product((S.WAITING, S.READY), repeat=size)]
    steps = 0
    while open_ends:
        tasks, started = open_ends.pop()
        if (tasks, started) in seen:
            continue
        seen.add((tasks, started))
        state = fold(tasks, started)
        for after in moves_of(tasks):
            has_started = started or S.RUNNING in after
            new = fold(after, has_started)
            assert ORDER[new] >= ORDER[state]
            assert not state.is_final or new is state
            steps += 1
            open_ends.append((after, has_started))
    assert steps > size


@pytest.mark.parametrize(
    ("tasks", "started", "tolerated", "expected"),
    [
        ((S.READY,), False, 0, J.PENDING),
        ((S.ENQUEUED,), False, 0, J.PENDING),
        ((S.READY,), True, 0, J.RUNNING),
        ((S.SUCCEEDED, S.WAITING), True, 0, J.RUNNING),
        ((S.SUCCEEDED, S.SUCCEEDED), True, 0, J.SUCCEEDED),
        ((S.SUCCEEDED, S.FAILED), True, 0, J.FAILED),
        ((S.SUCCEEDED, S.FAILED), True, 1, J.SUCCEEDED),
        ((S.SUCCEEDED, S.FAILED, S.FAILED), True, 1, J.FAILED),
        ((S.FAILED,), True, 1, J.FAILED),
        ((S.FAILED, S.CANCELED), True, 0, J.FAILED),
        ((S.SUCCEEDED, S.CANCELED), True, 0, J.CANCELED),
        ((S.CANCELED,), False, 0, J.CANCELED),
        ((S.SUCCEEDED, S.FAILED, S.CANCELED), True, 1, J.SUCCEEDED),
    ],
)
def test_the_state_of_a_job(tasks: Tasks, started: bool, tolerated: int, expected: JobState) -> None:
    assert fold_state(count(tasks), has_ever_started=started, tolerated_failures=tolerated) is expected


def test_a_canceled_job_stays_canceled_beside_a_tolerated_failure() -> None:
    counts = count((S.SUCCEEDED, S.FAILED, S.CANCELED))
    state = fold_state(counts, has_ever_started=True, tolerated_failures=1, is_cancel_requested=True)
    assert state is J.CANCELED


def test_the_percentage_is_whole_only_at_the_end() -> None:
    assert fold_percentage(0, count((S.READY, S.READY))) == 0
    assert fold_percentage(1500, count((S.SUCCEEDED, S.RUNNING))) == 75
    assert fold_percentage(1999, count((S.SUCCEEDED, S.RUNNING))) == 99
    assert fold_percentage(0, count((S.FAILED, S.CANCELED))) == 100
