"""How long the work under way at a kill takes to be under way again.

A task that was enqueued or running when something was killed has recovered when it is final, or when its lease was
renewed after the kill: then some worker has it. Read from the ledger four times a second.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from jobengine.build import Parts
from jobengine.domain.errors import EngineError
from jobengine.domain.records import Task
from tests.faults.chaos.kills import Killer

_ROUND_SECONDS = 0.25


@dataclass(slots=True)
class RecoveryWatch:
    """Follows every kill until all that it hit has recovered."""

    parts: Parts
    killer: Killer
    lease_seconds: float
    seconds: list[tuple[float, str]] = field(default_factory=list)
    _open: list[tuple[float, str, set[str]]] = field(default_factory=list)
    _seen: int = 0
    _flying: dict[str, Task] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what has not recovered by now counts with the time that has passed."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.seconds += [(time.time() - at, kind) for at, kind, _ in self._open]

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            try:
                self._look()
            except EngineError:
                continue

    def _look(self) -> None:
        for at, kind in self.killer.kills[self._seen :]:
            # What was under way is what was seen last before the kill.
            self._open.append((at, kind, set(self._flying)))
            self._seen += 1
        wanted = {task_id for _, _, hit in self._open for task_id in hit}
        with self.parts.outside.store.read() as ledger:
            tasks = ledger.tasks.fetch(wanted)
            # Without a lease yet, or with one; no lease is longer than a day.
            flying = ledger.tasks.unclaimed(time.time() + 60, 5000) + ledger.tasks.lapsed(time.time() + 86_400, 5000)
        self._flying = {task.id: task for task in flying}
        still_open = []
        for at, kind, hit in self._open:
            left = {task_id for task_id in hit if task_id in tasks and not self._has_recovered(tasks[task_id], at)}
            if left:
                still_open.append((at, kind, left))
            else:
                self.seconds.append((time.time() - at, kind))
        self._open = still_open

    def _has_recovered(self, task: Task, killed_at: float) -> bool:
        renewed_at = (task.lease_expires_at or 0.0) - self.lease_seconds
        return task.state.is_final or renewed_at > killed_at
