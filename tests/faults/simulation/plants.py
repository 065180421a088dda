"""Bugs to plant into the engine: a simulation that does not find them proves nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from jobengine.domain import moves
from jobengine.domain.interfaces.transport import Received
from jobengine.domain.records import Task
from jobengine.domain.states import TRANSITIONS, TaskEvent, TaskState
from tests.faults.simulation.broker import FaultyTransport


@contextmanager
def moves_without_the_guard_of_the_attempt() -> Iterator[None]:
    """A report of an earlier attempt is taken for one of the current attempt."""
    with patch.object(moves, "_fence", lambda task, event, attempt: None):
        yield


@contextmanager
def moves_without_the_guard_of_the_state() -> Iterator[None]:
    """A task that is final can be moved again."""
    targets = {event: state for (_, event), state in TRANSITIONS.items()}

    def next_state(state: TaskState, event: TaskEvent) -> TaskState:
        return TRANSITIONS.get((state, event), targets[event])

    with patch.object(moves, "next_state", next_state):
        yield


@contextmanager
def acknowledges_before_the_commit() -> Iterator[None]:
    """Reports are acknowledged when they are read."""
    receive, acknowledge = FaultyTransport.receive, FaultyTransport.acknowledge

    def receive_for_good(transport: FaultyTransport, limit: int, wait_seconds: float) -> list[Received]:
        received = receive(transport, limit, wait_seconds)
        acknowledge(transport, [entry.entry_id for entry in received])
        return received

    def do_nothing(transport: FaultyTransport, entry_ids: Sequence[str]) -> None:
        """They are acknowledged."""

    with (
        patch.object(FaultyTransport, "receive", receive_for_good),
        patch.object(FaultyTransport, "acknowledge", do_nothing),
    ):
        yield


@contextmanager
def rescues_without_a_new_attempt() -> Iterator[None]:
    """What was rescued goes again under the number that the lost attempt had."""
    rescue = moves.rescue

    def rescue_in_place(task: Task, attempt: int, **more: Any) -> Task:
        rescued = rescue(task, attempt, **more)
        return rescued._replace(attempt=rescued.attempt - 1)

    with patch.object(moves, "rescue", rescue_in_place):
        yield


PLANTS = (
    moves_without_the_guard_of_the_attempt,
    moves_without_the_guard_of_the_state,
    acknowledges_before_the_commit,
    rescues_without_a_new_attempt,
)
