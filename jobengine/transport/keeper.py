"""The lease keeper: a thread in a worker's parent that speaks for its children.

Rules:
1. A lease is renewed for as long as the child lives, whatever the step does; a child that was stopped (SIGSTOP) is not
   renewed, as it does nothing.
2. A child that is gone is reported lost at once; what it was at is to blame.
3. A child that overran its hard time limit or its memory is killed, and the report says why.
4. A worker that is told to stop lets its children finish for a while; what they are at then goes back, at no cost.
5. A worker that takes no work although there is some, and a child is free, ends itself: after a reconnection its
   consumer can fall silent for good. Whoever keeps processes running starts another.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces import Clock, WorkerChannel
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import FailureKind
from jobengine.transport.slots import Slot, SlotTable

log = logging.getLogger(__name__)

ANNOUNCE_SECONDS = 10.0
"""How often a worker says what it can do: a new engine, or an emptied Redis, knows nothing."""

GRACE_SECONDS = 5.0
"""How much longer than its soft limit a step may take to end before its process is killed."""

DEAF_SECONDS = 20.0
"""How long work may wait beside a free child before the worker takes itself for deaf."""

_ROUND_SECONDS = 0.5


@dataclass(slots=True)
class _Killed:
    """Why the keeper killed a child."""

    kind: FailureKind
    message: str


@dataclass(slots=True)
class LeaseKeeper:
    """Made before the fork; ``start`` runs it in the parent."""

    slots: SlotTable
    channel: WorkerChannel
    clock: Clock
    lease_seconds: float
    announce: Callable[[], Report]
    grace_seconds: float = 10.0
    leave: Callable[[int], None] = os._exit
    worker: str = ""
    queues: Sequence[str] = ()
    _renewed: dict[str, float] = field(default_factory=dict)
    _killed: dict[int, _Killed] = field(default_factory=dict)
    _announced_at: float = float("-inf")
    _leaves_at: float | None = None
    _quiet: tuple[int, float] = (-1, 0.0)
    """What the count of writes was, and since when it and the rest have looked like deafness."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self, worker: str, queues: Sequence[str] = ()) -> None:
        """Begin to speak under the worker's name; it takes work from these queues of the broker."""
        self.worker, self.queues = worker, queues
        threading.Thread(target=self._run, name="lease-keeper", daemon=True).start()

    def stop(self) -> None:
        """Say nothing more."""
        self._stop.set()

    def wind_down(self) -> None:
        """The worker was told to stop: no new tasks, and not for ever for those that run."""
        self.slots.stop()
        self._leaves_at = self.clock() + self.grace_seconds

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            try:
                self.round()
            except EngineError as error:
                log.warning("the lease keeper waits: %s", error)
            except Exception:
                log.exception("a round of the lease keeper broke")

    def round(self) -> None:
        """Look at every child once and report what there is to report."""
        now = self.clock()
        reports = []
        if now - self._announced_at >= ANNOUNCE_SECONDS:
            reports.append(self.announce())
            self._announced_at = now
        gone = []
        for slot in self.slots.all():
            status = _status(slot.process_id)
            if status is None:
                gone.append(slot)
                if slot.delivery_id is not None:
                    reports.append(self._lost(slot, now))
            elif slot.delivery_id is not None and status != psutil.STATUS_STOPPED:
                reports += self._renewals(slot, now)
                self._keep_limits(slot, now)
        is_over = self._leaves_at is not None and now >= self._leaves_at
        if is_over:
            reports += [self._returned(slot, now) for slot in self.slots.all() if slot.delivery_id and slot not in gone]
        if reports:
            self.channel.report(reports)
        if is_over:
            log.warning("the grace period is over; what still ran goes to others")
            self.leave(0)
        if self._is_deaf(now):
            log.error("work waits and nobody takes it although a child is free; the worker ends to be started again")
            self.leave(1)
        # Freed after the report is out: a keeper that could not report tries again in its next round.
        for slot in gone:
            self.slots.free(slot)
            self._killed.pop(slot.process_id, None)

    def _returned(self, slot: Slot, now: float) -> Report:
        return Report(ReportKind.RETURNED, self.worker, now, slot.delivery_id)

    def _is_deaf(self, now: float) -> bool:
        """Whether work has waited beside a free child for too long, and no child has begun or ended anything."""
        writes = self.slots.writes
        is_idle = self._leaves_at is None and any(slot.delivery_id is None for slot in self.slots.all())
        # Asked last, as it costs a round trip. A worker that is busy with short tasks always has free children and
        # waiting work in sight; but it writes.
        is_quiet = writes == self._quiet[0] and is_idle and bool(self.queues) and self.channel.has_waiting(self.queues)
        if not is_quiet:
            self._quiet = (writes, now)
        return now - self._quiet[1] > DEAF_SECONDS

    def _renewals(self, slot: Slot, now: float) -> list[Report]:
        delivery_id = str(slot.delivery_id)
        if now - self._renewed.get(delivery_id, float("-inf")) < self.lease_seconds / 3:
            return []
        self._renewed = {name: at for name, at in self._renewed.items() if now - at < self.lease_seconds}
        self._renewed[delivery_id] = now
        return [Report(ReportKind.RENEWED, self.worker, now, delivery_id, slot.task_id, slot.attempt)]

    def _keep_limits(self, slot: Slot, now: float) -> None:
        if slot.process_id in self._killed:
            return
        if slot.deadline and now > slot.deadline + GRACE_SECONDS:
            self._kill(slot, FailureKind.TIMEOUT, "The step ran past its time limit and did not end when told to.")
        elif slot.memory_limit_bytes is not None:
            used = _memory_bytes(slot.process_id)
            if used > slot.memory_limit_bytes:
                limit = slot.memory_limit_bytes
                self._kill(slot, FailureKind.MEMORY, f"The step used {used} bytes of memory; {limit} are allowed.")

    def _kill(self, slot: Slot, kind: FailureKind, message: str) -> None:
        log.warning("killing the process %d at task %s: %s", slot.process_id, slot.task_id, message)
        self._killed[slot.process_id] = _Killed(kind, message)
        os.kill(slot.process_id, signal.SIGKILL)

    def _lost(self, slot: Slot, now: float) -> Report:
        killed = self._killed.get(slot.process_id) or _Killed(FailureKind.LOST, "The worker process went down.")
        body = {"kind": killed.kind.value, "message": killed.message}
        return Report(ReportKind.LOST, self.worker, now, slot.delivery_id, slot.task_id, slot.attempt, body)


def _status(process_id: int) -> str | None:
    """What the process is doing; None when it is gone or only waits to be buried."""
    try:
        status = str(psutil.Process(process_id).status())
    except psutil.NoSuchProcess:
        return None
    return None if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else status


def _memory_bytes(process_id: int) -> int:
    try:
        return int(psutil.Process(process_id).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
