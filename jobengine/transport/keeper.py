"""The lease keeper: a thread in a worker's parent that speaks for its children.

Rules:
1. A lease is renewed for as long as the child lives, whatever the step does; a child that was stopped (SIGSTOP) is not
   renewed, as it does nothing.
2. A child that is gone is reported lost at once; what it was at is to blame, unless it was killed for another reason.
3. A step that goes on although nobody wants its task any more is ended after some seconds, at nobody's cost.
4. When the grace period of a worker that stops is over, what its children are at goes back, at no cost.
5. A delivery of a step that this worker does not have goes back, and one that no child began before the worker ended.
6. A worker that takes no work although there is some, and a child is free, stops as if it was told to: after a
   reconnection its consumer can fall silent for good. Whoever keeps processes running starts another.
7. What could not be written is said again in the next round; nothing is forgotten before it is out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import psutil

from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.transport import AttemptKey, WorkerChannel
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import FailureKind
from jobengine.transport.guard import Guard
from jobengine.transport.processes import status_of
from jobengine.transport.slots import Slot, SlotTable

log = logging.getLogger(__name__)

ANNOUNCE_SECONDS = 10.0
"""How often a worker says what it can do: a new engine, or an emptied Redis, knows nothing."""

DEAF_SECONDS = 20.0
"""How long work may be seen to wait beside a free child before the worker takes itself for deaf."""

CANCEL_SECONDS = 3.0
"""How long a step may go on after its task was canceled."""

_ROUND_SECONDS = 0.5
_ASK_SECONDS = 1.0
_LONGEST_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class LeaseKeeper:
    """Made before the fork; ``start`` runs it in the parent."""

    slots: SlotTable
    guard: Guard
    channel: WorkerChannel
    lease_seconds: float
    announce: Callable[[], Report]
    clock: Clock = time.time
    monotonic: Clock = time.monotonic
    worker: str = ""
    queues: Sequence[str] = ()
    _renewed: dict[str, float] = field(default_factory=dict)
    _announced_at: float = float("-inf")
    _asked_at: float = float("-inf")
    _unwanted: dict[AttemptKey, float] = field(default_factory=dict)
    """Since when it is known that nobody wants what a child runs."""
    _strange: SimpleQueue[str] = field(default_factory=SimpleQueue)
    _returned: list[Report] = field(default_factory=list)
    _writes: int = -1
    _looked_at: float = 0.0
    _quiet_seconds: float = 0.0
    """For how long it was seen to look like deafness; time in which nobody looked does not count."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, worker: str, queues: Sequence[str] = ()) -> None:
        """Begin to speak under the worker's name; it takes work from these queues of the broker."""
        self.worker, self.queues = worker, queues
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say what there is left to say, and then nothing more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_ROUND_SECONDS)
            if not self._thread.is_alive():
                self._try_round()

    def give_back(self, delivery_id: str) -> None:
        """This worker does not know what to do with the delivery; never waits."""
        self._strange.put(delivery_id)

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            self._try_round()

    def _try_round(self) -> None:
        try:
            self.round()
        except EngineError as error:
            log.warning("the lease keeper waits: %s", error)
        except Exception:
            log.exception("a round of the lease keeper broke")

    def round(self) -> None:
        """Look at every child once and report what there is to report."""
        now = self.monotonic()
        is_over = self.guard.is_over
        slots = self.slots.all()
        alive = {slot: status for slot in slots if (status := status_of(slot.process_id)) is not None}
        busy = [slot for slot in alive if slot.delivery_id is not None]
        renewed = [slot for slot in busy if alive[slot] != psutil.STATUS_STOPPED and self._is_renewal_due(slot, now)]
        gone = [slot for slot in slots if slot not in alive]
        is_announced = now - self._announced_at >= ANNOUNCE_SECONDS
        self._report(
            [
                *([self.announce()] if is_announced else []),
                *(self._say(ReportKind.RENEWED, slot) for slot in renewed),
                *(self._end_of(slot) for slot in gone if slot.delivery_id is not None),
                *(self._say(ReportKind.RETURNED, slot) for slot in busy if is_over),
                *self._take_strange(),
            ]
        )
        self._returned.clear()
        self._announced_at = now if is_announced else self._announced_at
        self._renewed.update({str(slot.delivery_id): now for slot in renewed})
        for slot in gone:
            self.slots.free(slot)
            self.guard.forget(slot)
        if is_over:
            log.warning("the worker ends; what still ran goes to others")
            self.guard.end()
        self._end_unwanted(busy, now)
        self._listen(len(busy) < len(alive), now)

    def _report(self, reports: Sequence[Report]) -> None:
        if reports:
            self.channel.report(reports)

    def _is_renewal_due(self, slot: Slot, now: float) -> bool:
        self._renewed = {name: at for name, at in self._renewed.items() if now - at < self.lease_seconds}
        return now - self._renewed.get(str(slot.delivery_id), float("-inf")) >= self.lease_seconds / 3

    def _say(self, kind: ReportKind, slot: Slot) -> Report:
        if kind is ReportKind.RETURNED:
            return Report(kind, self.worker, self.clock(), slot.delivery_id)
        return Report(kind, self.worker, self.clock(), slot.delivery_id, slot.task_id, slot.attempt)

    def _end_of(self, slot: Slot) -> Report:
        verdict = self.guard.verdict(slot)
        if verdict is not None and verdict.kind is None:
            return self._say(ReportKind.RETURNED, slot)
        kind, message = FailureKind.LOST, "The worker process went down."
        if verdict is not None and verdict.kind is not None:
            kind, message = verdict.kind, verdict.message
        body = {"kind": kind.value, "message": message}
        return Report(ReportKind.LOST, self.worker, self.clock(), slot.delivery_id, slot.task_id, slot.attempt, body)

    def _take_strange(self) -> list[Report]:
        """Claim what came here by mistake, so that nobody waits for it, and give it back."""
        try:
            while True:
                delivery_id = self._strange.get_nowait()
                if self._claim_strange(delivery_id):
                    self._returned.append(Report(ReportKind.RETURNED, self.worker, self.clock(), delivery_id))
        except Empty:
            return self._returned

    def _claim_strange(self, delivery_id: str) -> bool:
        try:
            return self.channel.claim(delivery_id, self.worker) is not None
        except EngineError:
            self._strange.put(delivery_id)
            raise

    def _end_unwanted(self, busy: Sequence[Slot], now: float) -> None:
        """Let children know what nobody wants any more, and end those that go on with it."""
        if now - self._asked_at < _ASK_SECONDS:
            return
        self._asked_at = now
        running = {(slot.task_id, slot.attempt): slot for slot in busy if slot.task_id is not None}
        unwanted = self.channel.canceled(running) if running else set()
        self._unwanted = {attempt: self._unwanted.get(attempt, now) for attempt in unwanted}
        for attempt, since in self._unwanted.items():
            self.slots.note_canceled(running[attempt])
            if now - since >= CANCEL_SECONDS:
                self.guard.kill(running[attempt], None, "its task was canceled, and it went on.")

    def _listen(self, has_free_child: bool, now: float) -> None:
        """Stop when work has waited beside a free child for too long, and no child has begun or ended anything."""
        writes = self.slots.writes
        is_quiet = writes == self._writes and has_free_child and not self.guard.is_winding_down
        # Asked last, as it costs a round trip. A worker that is busy with short tasks always has free children and
        # waiting work in sight; but it writes.
        is_quiet = is_quiet and bool(self.queues) and self.channel.has_waiting(self.queues)
        look = min(_LONGEST_LOOK_SECONDS, now - self._looked_at)
        self._quiet_seconds = self._quiet_seconds + look if is_quiet else 0.0
        self._writes, self._looked_at = writes, now
        if self._quiet_seconds > DEAF_SECONDS:
            log.error("work waits and nobody takes it although a child is free; the worker ends to be started again")
            self.guard.wind_down(exit_code=1)
