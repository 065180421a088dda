"""The broker as the processes see it: calls fail, deliveries and reports get lost, doubled, late and out of order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.transport import AttemptKey, Received
from jobengine.domain.reports import Delivery, Report, ReportKind
from tests.faults.simulation.clockwork import Process
from tests.faults.simulation.ledger import refused
from tests.faults.simulation.scene import OutsideCalls, Scene

Answer = TypeVar("Answer")

_ENDS = (ReportKind.SUCCEEDED, ReportKind.FAILED)
_OPEN = "SELECT 1 FROM tasks WHERE id = ? AND attempt = ? AND state IN ('enqueued', 'running')"
LATEST_SECONDS = 40.0


class FaultyTransport:
    """``Transport`` as one engine sees it."""

    def __init__(self, scene: Scene, calls: OutsideCalls) -> None:
        self._scene = scene
        self._broker = scene.broker
        self._calls = calls
        self._reports: dict[str, Received] = {}

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Some messages may not leave, some get lost, and some come twice."""
        self._call("send", lambda: self._send(deliveries))

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Take tickets back."""
        return self._call("withdraw", lambda: self._broker.withdraw(delivery_ids))

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """What is not there."""
        return self._call("missing", lambda: self._broker.missing(delivery_ids))

    def tickets(self, older_than_seconds: float) -> set[str]:
        """What nobody has claimed."""
        return self._call("tickets", lambda: self._broker.tickets(older_than_seconds))

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """Reports."""
        received = self._call("receive", lambda: self._broker.receive(limit, wait_seconds))
        self._reports |= {entry.entry_id: entry for entry in received}
        return received

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """By now the ledger must know of each end that is acknowledged."""
        for entry in [self._reports.pop(entry_id) for entry_id in entry_ids if entry_id in self._reports]:
            for report in entry.reports:
                if report.kind in _ENDS and self._scene.ledger.has(_OPEN, report.task_id, report.attempt):
                    self._scene.blame(f"a report of {report.task_id} was acknowledged and is not in the ledger")
        self._call("acknowledge", lambda: self._broker.acknowledge(entry_ids))

    def backlog(self) -> int:
        """How many entries wait."""
        return self._call("backlog", self._broker.backlog)

    def backlog_seconds(self) -> float:
        """How long the oldest entry waits."""
        return self._call("backlog_seconds", self._broker.backlog_seconds)

    def announce_canceled(self, attempts: Collection[AttemptKey]) -> None:
        """Tell the workers."""
        self._call("announce_canceled", lambda: self._broker.announce_canceled(attempts))

    def check(self) -> None:
        """Whether it answers."""
        self._call("check", self._broker.check)

    def _call(self, what: str, act: Callable[[], Answer]) -> Answer:
        if self._scene.ledger.is_open:
            self._scene.blame(f"{what} was called within a transaction")
        self._calls.before(what)
        answer = act()
        self._calls.after(what)
        return answer

    def _send(self, deliveries: Sequence[Delivery]) -> None:
        scene, faults = self._scene, self._scene.faults
        self._broker.send(deliveries)
        names = [delivery.id for delivery in deliveries]
        if scene.chance(faults.send_halves):
            self._broker.lose_messages(names[scene.random.randrange(len(names)) :])
            raise refused("the second half of the send")
        for name in names:
            if scene.chance(faults.message_lost):
                self._broker.lose_messages([name])
            if scene.chance(faults.message_repeated):
                self._broker.repeat_messages([name])
            if scene.chance(faults.ticket_lost):
                self._broker.lose_tickets([name])


class WorkerEnd:
    """The broker as a worker sees it."""

    def __init__(self, scene: Scene, process: Process) -> None:
        self._scene = scene
        self._broker = scene.broker
        self._process = process

    @property
    def _is_away(self) -> bool:
        """Whether Redis cannot be reached from here."""
        return self._broker.is_down or self._process.is_cut_off

    def take(self) -> Delivery | None:
        """The next message, if Redis is there."""
        return None if self._is_away else self._broker.take()

    def claim(self, delivery_id: str) -> bool:
        """Take the ticket; a worker that does not hear the answer does not run the delivery."""
        self._process.pause(self._scene.random.random() * 0.05)
        if self._is_away:
            return False
        try:
            is_ours = self._broker.claim(delivery_id, self._process.name) is not None
        except EngineError:
            return False
        return is_ours and not self._scene.chance(self._scene.faults.answer_lost)

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """Those that nobody wants; none while Redis is away."""
        return set() if self._is_away else self._broker.canceled(attempts)

    def report(self, reports: Sequence[Report]) -> None:
        """Write an entry, trying until Redis is there; what became of it the worker does not learn."""
        scene, faults = self._scene, self._scene.faults
        self._process.pause(scene.random.random() * 0.05)
        while self._is_away:
            self._process.pause(1.0)
        if scene.chance(faults.report_lost):
            scene.clockwork.note(f"{self._process.name}: a report is lost")
            return
        copies = 2 if scene.chance(faults.report_repeated) else 1
        for _ in range(copies):
            if scene.chance(faults.report_late):
                late = scene.random.uniform(0.1, LATEST_SECONDS)
                scene.clockwork.spawn(lambda: self._write(reports), late)
            else:
                self._write(reports)

    def _write(self, reports: Sequence[Report]) -> None:
        if not self._broker.is_down:
            self._broker.report(reports)
            said = " ".join(f"{report.kind.value} {_tail(report.task_id)}#{report.attempt}" for report in reports)
            self._scene.clockwork.note(f"{self._process.name}: says {said}")


def _tail(identifier: str | None) -> str:
    return identifier[-4:] if identifier else "-"
