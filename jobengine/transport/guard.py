"""The guard: a thread in a worker's parent that keeps the limits of its children and the worker's own last hour.

Rules:
1. It never talks to Redis: a broker that is away, or stands still, holds no limit up. What there is to report of those
   that it killed, the lease keeper reports when it can.
2. A child is killed with everything that its step has started, stopped or not.
3. A worker that is told to stop lets its children finish for a while. Then they stand still, the keeper gives back what
   they were at, and the worker ends; a moment later it ends even if the keeper could not.
4. Times are by the monotonic clock: nobody sets it, and parent and children share it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.states import FailureKind
from jobengine.transport.processes import freeze_tree, kill_group, kill_tree, memory_bytes, status_of
from jobengine.transport.slots import Slot, SlotTable

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How much longer than its soft limit a step may take to end before its process is killed."""

LAST_WORDS_SECONDS = 3.0
"""How long a worker whose grace period is over waits for its keeper to say so."""

_ROUND_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a child was killed, and at what; ``kind`` is None where its task is not to blame."""

    slot: Slot
    kind: FailureKind | None
    message: str


@dataclass(slots=True)
class Guard:
    """Made before the fork; ``start`` runs it in the parent."""

    slots: SlotTable
    grace_seconds: float = 10.0
    leave: Callable[[int], None] = os._exit
    monotonic: Clock = time.monotonic
    _killed: dict[int, Verdict] = field(default_factory=dict)
    _buried: set[int] = field(default_factory=set)
    _ends_at: float | None = None
    _exit_code: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to look after the children."""
        threading.Thread(target=self._run, name="guard", daemon=True).start()

    def stop(self) -> None:
        """Look after nobody any more."""
        self._stop.set()

    def wind_down(self, exit_code: int = 0) -> None:
        """No new tasks, and not for ever for those that run; said once, it stays."""
        self.slots.stop()
        if self._ends_at is None:
            self._ends_at, self._exit_code = self.monotonic() + self.grace_seconds, exit_code

    @property
    def is_winding_down(self) -> bool:
        """Whether the worker was told to stop, or has told itself."""
        return self._ends_at is not None

    @property
    def is_over(self) -> bool:
        """Whether the worker is to end: its time is up, or it ends by itself and nothing runs."""
        if self._ends_at is None:
            return False
        ends_by_itself = self._exit_code != 0 and not any(slot.delivery_id for slot in self.slots.all())
        return ends_by_itself or self.monotonic() >= self._ends_at

    def end(self) -> None:
        """End the worker and all that its children run."""
        for slot in self.slots.all():
            kill_tree(slot.process_id)
        self.leave(self._exit_code)

    def kill(self, slot: Slot, kind: FailureKind | None, message: str) -> None:
        """Kill a child for what it is at, unless it has got to something else meanwhile."""
        now_at = self.slots.at(slot.row)
        if slot.process_id in self._killed or now_at is None or not _is_same(now_at, slot):
            return
        log.warning("killing the process %d at task %s: %s", slot.process_id, slot.task_id, message)
        self._killed[slot.process_id] = Verdict(slot, kind, message)
        kill_tree(slot.process_id)

    def verdict(self, slot: Slot) -> Verdict | None:
        """Why the child was killed, if it was; one that had got to another task by then is not to blame for that."""
        found = self._killed.get(slot.process_id)
        return found if found is None or _is_same(found.slot, slot) else Verdict(slot, None, found.message)

    def forget(self, slot: Slot) -> None:
        """The child's end is reported."""
        self._killed.pop(slot.process_id, None)
        self._buried.discard(slot.process_id)

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            try:
                self.round()
            except Exception:
                log.exception("a round of the guard broke")

    def round(self) -> None:
        """Look at every child once."""
        now = self.monotonic()
        for slot in self.slots.all():
            if status_of(slot.process_id) is None:
                self._bury(slot)
            elif slot.delivery_id is not None:
                self._keep_limits(slot, now)
        if self._ends_at is not None and now >= self._ends_at:
            self._wait_for_last_words(now, self._ends_at)

    def _wait_for_last_words(self, now: float, ends_at: float) -> None:
        for slot in self.slots.all():
            if slot.delivery_id is not None:
                freeze_tree(slot.process_id)
        if now >= ends_at + LAST_WORDS_SECONDS:
            log.warning("the grace period is over, and Redis cannot be told; leases will lapse")
            self.end()

    def _bury(self, slot: Slot) -> None:
        """What the step of a child that is gone has started goes with it."""
        if slot.process_id not in self._buried:
            self._buried.add(slot.process_id)
            kill_group(slot.process_id)

    def _keep_limits(self, slot: Slot, now: float) -> None:
        if slot.deadline and now > slot.deadline + GRACE_SECONDS:
            self.kill(slot, FailureKind.TIMEOUT, "The step ran past its time limit and did not end when told to.")
        elif slot.memory_limit_bytes is not None:
            limit = slot.memory_limit_bytes
            used = memory_bytes(slot.process_id, limit + slot.leftover_bytes) - slot.leftover_bytes
            if used > limit:
                self.kill(slot, FailureKind.MEMORY, f"The step used {used} bytes of memory; {limit} are allowed.")


def _is_same(one: Slot, other: Slot) -> bool:
    return (one.process_id, one.delivery_id, one.task_id, one.attempt) == (
        other.process_id,
        other.delivery_id,
        other.task_id,
        other.attempt,
    )
