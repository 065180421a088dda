"""What a process has used since it was last asked: one look at the system for each task."""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(slots=True)
class UsageMeter:
    """Measures from one look to the next; the time between two tasks of a delivery is next to nothing."""

    _seconds: float = 0.0

    def lap(self) -> dict[str, float]:
        """CPU seconds of this process and its ended children since the last lap, and the most memory it ever held."""
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        spent = max(0.0, seconds - self._seconds)
        self._seconds = seconds
        return {"cpu_seconds": spent, "peak_memory_bytes": own.ru_maxrss * 1024}
