"""The killer: which process, by which signal, when; all from one seed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.chaos.system import ChaosSystem, end_redis, kill_postgresql

_PAUSE_SECONDS = (2.0, 5.5)
_FROZEN_SECONDS = (1.0, 6.0)

_WEIGHTS = {
    "web SIGKILL": 2,
    "web SIGTERM": 1,
    "web SIGSTOP": 1,
    "engine SIGKILL": 3,
    "engine SIGTERM": 1,
    "engine SIGSTOP": 2,
    "worker SIGKILL": 3,
    "worker SIGTERM": 2,
    "worker SIGSTOP": 1,
    "worker-child SIGKILL": 4,
    "worker-child SIGSTOP": 1,
    "redis SIGKILL": 2,
    "redis SIGTERM": 1,
    "redis SIGSTOP": 1,
    "redis SIGKILL, emptied": 2,
}


@dataclass(slots=True)
class Killer:
    """Kills until it is told to stop; ``on_kill`` hears of each kill just before."""

    system: ChaosSystem
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    kills: list[tuple[float, str]] = field(default_factory=list)
    only: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Kill no more; what was frozen goes on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        chance = random.Random(self.seed)
        weights = dict(_WEIGHTS) | ({"postgresql SIGKILL": 3} if self.system.postgresql else {})
        if self.only is not None:
            weights = {self.only: 1}
        while not self._stop.wait(chance.uniform(*_PAUSE_SECONDS)):
            kind = chance.choices(list(weights), list(weights.values()))[0]
            at = time.time()
            if self._kill(kind, chance):
                self.counts[kind] += 1
                self.kills.append((at, kind))

    def _kill(self, kind: str, chance: random.Random) -> bool:
        target, _, how = kind.partition(" ")
        number = signal.Signals[how.partition(",")[0]]
        if target == "postgresql":
            kill_postgresql(self.system)
            return True
        if target == "redis" and number is not signal.SIGSTOP:
            end_redis(self.system, number, with_data="emptied" in how)
            return True
        process_id = self._pick(target, chance)
        if process_id is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(process_id, number)
            if number is signal.SIGSTOP:
                self._stop.wait(chance.uniform(*_FROZEN_SECONDS))
                os.kill(process_id, signal.SIGCONT)
            return True
        return False

    def _pick(self, target: str, chance: random.Random) -> int | None:
        with self.system.lock:
            if target == "redis":
                return self.system.redis.process.pid if self.system.redis.process else None
            running = self.system.named(target.removesuffix("-child"))
            if not running:
                return None
            chosen = chance.choice(running)
            if target != "worker-child":
                return chosen.process.pid if chosen.process else None
            children = chosen.children()
            return chance.choice(children).pid if children else None
