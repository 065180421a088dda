"""The lease keeper: leases, lost children, limits, the end of a worker, and deafness."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jobengine.domain.reports import Report, ReportKind
from jobengine.transport.keeper import DEAF_SECONDS, LeaseKeeper
from jobengine.transport.memory import MemoryTransport
from jobengine.transport.slots import Slot, SlotTable
from tests.servers import wait_until

DELIVERY, TASK = "d" * 24, "7" * 24


class Bench:
    """A keeper with one real child process, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.left: list[int] = []
        self.slots = SlotTable()
        self.transport = MemoryTransport(self.clock)
        announcement = Report(ReportKind.ANNOUNCED, "w", 0.0)
        self.keeper = LeaseKeeper(
            self.slots, self.transport, self.clock, 15.0, lambda: announcement, 10.0, self.left.append, "w", ["queue"]
        )
        self.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def clock(self) -> float:
        """The time."""
        return self.now

    def at_work(self, **fields: Any) -> None:
        """The child is at a task."""
        self.slots.write(Slot(0, self.child.pid, DELIVERY, TASK, 1, **fields))

    def idle(self) -> None:
        """The child waits for work."""
        self.slots.write(Slot(0, self.child.pid))

    def said(self) -> list[tuple[ReportKind, str | None]]:
        """What the keeper reports in a round, announcements aside."""
        self.keeper.round()
        entries = self.transport.receive(100, 0)
        self.transport.acknowledge([entry.entry_id for entry in entries])
        reports = [report for entry in entries for report in entry.reports]
        return [(r.kind, r.delivery_id) for r in reports if r.kind is not ReportKind.ANNOUNCED]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """One of them; its child is gone afterwards."""
    made = Bench()
    yield made
    made.child.kill()
    made.child.wait()


def test_a_lease_is_renewed_every_third_of_it(bench: Bench) -> None:
    bench.at_work()
    assert bench.said() == [(ReportKind.RENEWED, DELIVERY)]
    bench.now += 4
    assert bench.said() == []
    bench.now += 2
    assert bench.said() == [(ReportKind.RENEWED, DELIVERY)]


def test_a_child_that_is_gone_is_reported_lost_once(bench: Bench) -> None:
    bench.at_work()
    bench.child.kill()
    bench.child.wait()
    assert bench.said() == [(ReportKind.LOST, DELIVERY)]
    assert bench.said() == []


def test_an_idle_child_that_is_gone_is_not_reported(bench: Bench) -> None:
    bench.idle()
    bench.child.kill()
    bench.child.wait()
    assert bench.said() == []


def test_a_step_past_its_hard_limit_is_killed(bench: Bench) -> None:
    bench.at_work(deadline=bench.now + 1)
    bench.said()
    bench.now += 10
    bench.said()
    wait_until(lambda: bench.child.poll() is not None, 5, "the end of the child")
    assert (ReportKind.LOST, DELIVERY) in bench.said()


def test_a_step_past_its_memory_is_killed(bench: Bench) -> None:
    bench.at_work(memory_limit_bytes=1024)
    bench.said()
    wait_until(lambda: bench.child.poll() is not None, 5, "the end of the child")


def test_a_worker_that_is_told_to_stop_gives_back_what_has_not_ended_in_time(bench: Bench) -> None:
    bench.at_work()
    bench.said()
    bench.keeper.wind_down()
    assert bench.slots.is_stopping
    bench.now += 9
    assert (bench.said(), bench.left) == ([(ReportKind.RENEWED, DELIVERY)], [])
    bench.now += 2
    assert ((ReportKind.RETURNED, DELIVERY) in bench.said(), bench.left) == (True, [0])


class Waiting:
    """A broker in which work always waits."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.is_waiting = True

    def report(self, reports: list[Report]) -> None:
        """As the twin does."""
        self.transport.report(reports)

    def has_waiting(self, queues: list[str]) -> bool:
        """Yes."""
        return self.is_waiting


def test_a_worker_that_takes_no_work_beside_a_free_child_ends_itself(bench: Bench) -> None:
    broker = Waiting(bench.transport)
    bench.keeper.channel = broker  # type: ignore[assignment]
    bench.idle()
    bench.said()
    bench.now += DEAF_SECONDS - 1
    bench.said()
    assert bench.left == []
    bench.now += 2
    bench.said()
    assert bench.left == [1]


def test_a_worker_that_is_busy_with_short_tasks_is_not_deaf_though_it_is_always_seen_idle(bench: Bench) -> None:
    bench.keeper.channel = Waiting(bench.transport)  # type: ignore[assignment]
    for _ in range(10):
        bench.at_work()
        bench.idle()
        bench.said()
        bench.now += DEAF_SECONDS / 2
    assert bench.left == []


def test_a_worker_that_took_work_in_between_is_not_deaf(bench: Bench) -> None:
    broker = Waiting(bench.transport)
    bench.keeper.channel = broker  # type: ignore[assignment]
    bench.idle()
    bench.said()
    bench.now += DEAF_SECONDS - 1
    bench.at_work()
    bench.said()
    bench.idle()
    bench.now += 2
    bench.said()
    assert bench.left == []
