"""How long the work under way at a kill takes to be under way again.

A task that was enqueued or running when something was killed has recovered when some worker is known to have had it
after the kill. Read from the ledger four times a second. Rules:
1. A task that is final has recovered, and so has one whose next attempt a worker has claimed since.
2. The first renewal of a lease that is recorded after the kill may have been sent before it; the second was not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from jobengine.build import Parts
from jobengine.domain.errors import EngineError
from jobengine.domain.records import Task
from tests.faults.chaos.background import Background
from tests.faults.chaos.kills import Killer

_ROUND_SECONDS = 0.25


@dataclass(slots=True)
class Hit:
    """A task that was under way at a kill: its attempt then, and the leases of that attempt seen since."""

    attempt: int
    leases: set[float] = field(default_factory=set)


@dataclass(slots=True)
class RecoveryWatch:
    """Follows every kill until all that it hit has recovered."""

    parts: Parts
    killer: Killer
    lease_seconds: float
    seconds: list[tuple[float, str]] = field(default_factory=list)
    _open: list[tuple[float, str, dict[str, Hit]]] = field(default_factory=list)
    _seen: int = 0
    _flying: dict[str, Task] = field(default_factory=dict)
    _background: Background = field(init=False)

    def __post_init__(self) -> None:
        self._background = Background(self._run)

    def start(self) -> None:
        """Begin to look."""
        self._background.start()

    def stop(self) -> None:
        """Look no more; what has not recovered by now counts with the time that has passed."""
        self._background.stop()
        self.seconds += [(time.time() - at, kind) for at, kind, _ in self._open]

    def _run(self) -> None:
        while not self._background.pause(_ROUND_SECONDS):
            try:
                self._look()
            except EngineError:
                continue

    def _look(self) -> None:
        for at, kind in self.killer.kills[self._seen :]:
            # What was under way is what was seen last before the kill.
            self._open.append((at, kind, {task.id: Hit(task.attempt) for task in self._flying.values()}))
            self._seen += 1
        wanted = {task_id for _, _, hit in self._open for task_id in hit}
        with self.parts.outside.store.read() as ledger:
            tasks = ledger.tasks.fetch(wanted)
            # Without a lease yet, or with one; no lease is longer than a day.
            flying = ledger.tasks.unclaimed(time.time() + 60, 5000) + ledger.tasks.lapsed(time.time() + 86_400, 5000)
        self._flying = {task.id: task for task in flying}
        still_open = []
        for at, kind, hit in self._open:
            left = {
                task_id: seen
                for task_id, seen in hit.items()
                if task_id in tasks and not has_recovered(tasks[task_id], seen, at, self.lease_seconds)
            }
            if left:
                still_open.append((at, kind, left))
            else:
                self.seconds.append((time.time() - at, kind))
        self._open = still_open


def has_recovered(task: Task, hit: Hit, killed_at: float, lease_seconds: float) -> bool:
    """Whether some worker is known to have had the task after the kill."""
    if task.state.is_final:
        return True
    if task.lease_expires_at is None or task.lease_expires_at - lease_seconds <= killed_at:
        return False
    hit.leases.add(task.lease_expires_at)
    return task.attempt > hit.attempt or len(hit.leases) > 1
