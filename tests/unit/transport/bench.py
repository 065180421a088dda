"""Guard and keeper of a worker with one real child process, on a clock that is moved by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Sequence
from typing import Any

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.transport import AttemptKey
from jobengine.domain.reports import Report, ReportKind
from jobengine.transport.guard import Guard
from jobengine.transport.keeper import LeaseKeeper
from jobengine.transport.memory import MemoryTransport
from jobengine.transport.slots import Slot, SlotTable
from tests.servers import wait_until

DELIVERY, TASK = "d" * 24, "7" * 24

Said = list[tuple[ReportKind, str | None]]

_SLEEP = "import time; time.sleep(60)"


class Broker(MemoryTransport):
    """The twin, in which work can be said to wait always, and which can be away for the workers."""

    has_work = False

    def has_waiting(self, queues: Sequence[str]) -> bool:
        """What the test says."""
        return self.has_work

    def report(self, reports: Sequence[Report]) -> None:
        """As the twin does, unless it is away."""
        if self.is_down:
            raise EngineError(ErrorCode.UNAVAILABLE, "away")
        super().report(reports)

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """As the twin does; none while it is away."""
        return set() if self.is_down else super().canceled(attempts)


class Bench:
    """A guard and a keeper, not started: a test has them look by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.left: list[int] = []
        self.slots = SlotTable()
        self.broker = Broker(self.clock)
        self.guard = Guard(self.slots, 10.0, self.left.append, self.clock)
        announcement = Report(ReportKind.ANNOUNCED, "w", 0.0)
        self.keeper = LeaseKeeper(
            self.slots, self.guard, self.broker, 15.0, lambda: announcement, self.clock, self.clock, "w", ["queue"]
        )
        self.child = self.start()

    def start(self, program: str = _SLEEP) -> subprocess.Popen[bytes]:
        """A child that leads a process group, as those of a worker do."""
        command = [sys.executable, "-c", program]
        return subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0)

    def close(self) -> None:
        """End the child."""
        self.child.kill()
        self.child.communicate()

    def clock(self) -> float:
        """The time."""
        return self.now

    def at_work(self, task: str = TASK, **fields: Any) -> None:
        """The child is at a task."""
        self.slots.write(Slot(0, self.child.pid, DELIVERY, task, 1, **fields))

    def idle(self) -> None:
        """The child waits for work."""
        self.slots.write(Slot(0, self.child.pid))

    def said(self) -> Said:
        """What the keeper reports in a round, announcements aside."""
        self.keeper.round()
        return [(report.kind, report.delivery_id) for report in self.reports()]

    def reports(self) -> list[Report]:
        """What was reported since the last time, announcements aside."""
        entries = self.broker.receive(100, 0)
        self.broker.acknowledge([entry.entry_id for entry in entries])
        return [r for entry in entries for r in entry.reports if r.kind is not ReportKind.ANNOUNCED]

    def pass_time(self, seconds: float) -> None:
        """Let time pass as it does in a worker: both look every half second."""
        for _ in range(int(seconds / 0.5)):
            self.now += 0.5
            self.guard.round()
            self.keeper.round()

    def wait_for_the_end_of_the_child(self) -> None:
        """Wait until the child is gone."""
        wait_until(lambda: self.child.poll() is not None, 10, "the end of the child")
