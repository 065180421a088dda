"""What a worker's parent does when Celery says what happens; Celery itself is not started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, signals

from jobengine.config import Settings
from jobengine.domain.reports import Delivery, ReportKind
from jobengine.transport.parent import Parent
from tests.unit.transport.bench import Bench

HEARD = {
    signals.worker_init: "on_init",
    signals.worker_ready: "on_ready",
    signals.worker_process_init: "on_child",
    signals.worker_shutting_down: "on_stop_request",
    signals.task_received: "on_taken",
    signals.worker_shutdown: "on_shutdown",
    signals.task_unknown: "on_unknown_step",
}


class Forked:
    """A child that only notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def adopt(self) -> None:
        self.told.append("adopt")

    def begin(self) -> None:
        self.told.append("begin")


def announce(slots: int, queues: Sequence[str]) -> dict[str, Any]:
    """What is announced, as it was asked for."""
    return {"slots": slots, "queues": [*queues]}


def parent_of(bench: Bench, child: Forked | None = None) -> Parent:
    """A parent over the slots and the broker of the bench."""
    app = Celery("test", set_as_current=False)
    return Parent(app, Settings(), bench.broker, bench.slots, child or Forked(), announce)


def send(bench: Bench, *ids: str) -> None:
    """Deliveries that are on their way to the worker."""
    bench.broker.send([Delivery(each, "test.noop", "1", "default", 5, 60.0, None, ()) for each in ids])


def returned(bench: Bench) -> list[str | None]:
    """The deliveries that were given back since the last time."""
    return [report.delivery_id for report in bench.reports() if report.kind is ReportKind.RETURNED]


@pytest.fixture
def connected() -> Iterator[None]:
    """What is connected by the test is not afterwards."""
    kept = {signal: list(signal.receivers or ()) for signal in HEARD}
    yield
    for signal, receivers in kept.items():
        signal.receivers = receivers


@pytest.mark.usefixtures("connected")
def test_every_signal_is_heard_by_its_own_method(bench: Bench) -> None:
    before = {signal: list(signal.receivers or ()) for signal in HEARD}
    parent_of(bench).listen()
    for signal, name in HEARD.items():
        (added,) = [hear for key, hear in signal.receivers if (key, hear) not in before[signal]]
        assert added.__name__ == name


@pytest.mark.usefixtures("connected")
def test_a_fork_is_told_of_on_both_sides(bench: Bench) -> None:
    child = Forked()
    parent_of(bench, child).listen()
    signals.worker_process_init.send(sender=None)
    assert child.told == ["begin"]


def test_a_delivery_for_a_step_that_is_not_here_goes_back(bench: Bench) -> None:
    parent = parent_of(bench)
    send(bench, "a" * 24)
    parent.on_unknown_step("test.elsewhere", "a" * 24)
    parent.keeper.round()
    assert returned(bench) == ["a" * 24]


def test_what_was_taken_and_not_begun_goes_back_at_the_end(bench: Bench) -> None:
    parent = parent_of(bench)
    begun, taken = "a" * 24, "b" * 24
    send(bench, begun, taken)
    for delivery_id in (begun, taken):
        parent.on_taken(SimpleNamespace(id=delivery_id))
    bench.broker.claim(begun, "w")
    parent.on_shutdown()
    parent.keeper.round()
    assert returned(bench) == [taken]


def test_a_worker_that_is_told_to_stop_winds_down(bench: Bench) -> None:
    parent = parent_of(bench)
    assert not parent.guard.is_winding_down
    parent.on_stop_request()
    assert parent.guard.is_winding_down


def test_the_announcement_is_for_as_many_tasks_and_such_queues_as_the_worker_takes(bench: Bench) -> None:
    parent = parent_of(bench)
    told = {name: SimpleNamespace(name=name) for name in ("jobengine.gpu", "somebody.default")}
    queues = SimpleNamespace(queues=SimpleNamespace(consume_from=told))
    sender = SimpleNamespace(pool=SimpleNamespace(num_processes=3), hostname="w@here", app=SimpleNamespace(amqp=queues))
    parent.on_ready(sender)
    parent.on_shutdown()
    bodies = [report.body for entry in bench.broker.receive(100, 0) for report in entry.reports]
    assert {"slots": 3, "queues": ["gpu"]} in bodies
