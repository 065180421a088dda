"""How much work is kept ahead of the workers, and how it is cut into deliveries.

Both follow from how long a step takes, learned while it runs. Little work ahead keeps priorities and fairness honest
for long steps; much of it, in large deliveries, keeps short steps from waiting for the engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

UNKNOWN_SECONDS = 0.25
"""What a task of a step that was never seen is taken to last."""

DELIVERY_SECONDS = 0.25
"""A delivery with several tasks should not last longer than this: progress and cancellation stay quick."""

_WEIGHT = 0.2
_SHORTEST_SECONDS = 0.0002


class Pace:
    """Learned seconds per task of each step (an exponentially weighted mean)."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def learn(self, step: str, seconds: float) -> None:
        """One task of the step took so long."""
        known = self._seconds.get(step)
        seconds = max(seconds, _SHORTEST_SECONDS)
        self._seconds[step] = seconds if known is None else known + _WEIGHT * (seconds - known)

    def seconds(self, step: str) -> float:
        """What a task of the step lasts."""
        return self._seconds.get(step, UNKNOWN_SECONDS)

    def queued_seconds(self, enqueued: Mapping[str, int]) -> float:
        """How much work is enqueued, given how many tasks of each step are."""
        return sum(count * self.seconds(step) for step, count in enqueued.items())

    def delivery_size(self, step: str, most: int, tasks: int, slots: int) -> int:
        """How many of ``tasks`` ready tasks go in one delivery: at most ``most``, and something for every slot."""
        in_time = int(DELIVERY_SECONDS / self.seconds(step))
        fair_share = math.ceil(tasks / max(1, slots))
        return max(1, min(most, in_time, fair_share))
