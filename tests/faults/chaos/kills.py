"""The killer: which process, by which signal, when; all from one seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.chaos.background import Background
from tests.faults.chaos.system import ChaosSystem, end_postgresql, end_redis

PAUSE_SECONDS = (2.0, 5.5)
FROZEN_SECONDS = (1.0, 6.0)

WEIGHTS = {
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
    "worker-child SIGTERM": 1,
    "worker-child SIGSTOP": 1,
    "redis SIGKILL": 2,
    "redis SIGTERM": 1,
    "redis SIGSTOP": 1,
    "redis SIGKILL, emptied": 2,
}
POSTGRESQL_WEIGHTS = {"postgresql SIGKILL": 2, "postgresql SIGTERM": 1, "postgresql SIGSTOP": 1}


@dataclass(slots=True)
class Killer:
    """Kills until it is told to stop; ``kills`` says when each was, and is written before the signal is sent."""

    system: ChaosSystem
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    kills: list[tuple[float, str]] = field(default_factory=list)
    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    _background: Background = field(init=False)

    def __post_init__(self) -> None:
        self._background = Background(self._run)

    def start(self) -> None:
        """Begin."""
        self._background.start()

    def stop(self) -> None:
        """Kill no more; what was frozen goes on."""
        self._background.stop()

    def _run(self) -> None:
        chance = random.Random(self.seed)
        weights = self.weights
        while not self._background.pause(chance.uniform(*PAUSE_SECONDS)):
            kind = chance.choices(list(weights), list(weights.values()))[0]
            self._kill(kind, chance)

    def _kill(self, kind: str, chance: random.Random) -> None:
        target, _, how = kind.partition(" ")
        number = signal.Signals[how.partition(",")[0]]
        if target == "postgresql":
            self._end_postgresql(kind, number, chance)
            return
        if target == "redis" and number is not signal.SIGSTOP:
            self._note(kind)
            end_redis(self.system.redis, number, delete_data="emptied" in how)
            return
        process_id = self._pick(target, chance)
        if process_id is None:
            return
        with suppress(ProcessLookupError):
            os.kill(process_id, 0)
            self._note(kind)
            os.kill(process_id, number)
            if number is signal.SIGSTOP:
                self._background.pause(chance.uniform(*FROZEN_SECONDS))
                os.kill(process_id, signal.SIGCONT)

    def _end_postgresql(self, kind: str, number: signal.Signals, chance: random.Random) -> None:
        if self.system.postgresql is None:
            return
        self._note(kind)
        if number is signal.SIGSTOP:
            with self.system.postgresql.frozen():
                self._background.pause(chance.uniform(*FROZEN_SECONDS))
        else:
            end_postgresql(self.system.postgresql, number)

    def _note(self, kind: str) -> None:
        self.counts[kind] += 1
        self.kills.append((time.time(), kind))

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
