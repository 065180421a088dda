"""Requests per second of an owner: a bucket that fills with time, in each server process by itself.

A limit is meant to keep one owner from drowning the others, not to count to the last request: with several web
processes an owner gets it from each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobengine.domain.errors import EngineError, ErrorCode

_LIMITS_SECONDS = 5.0


@dataclass(slots=True)
class _Bucket:
    limit: float | None
    read_at: float
    tokens: float
    filled_at: float


@dataclass(slots=True)
class RequestLimits:
    """Buckets by owner; ``read_limit`` looks an owner's limit up, every few seconds at most."""

    read_limit: Callable[[str], float | None]
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, owner_id: str) -> None:
        """Count one request; raises EngineError(LIMIT_REACHED) when there were too many."""
        now = self.clock()
        known = self._buckets.get(owner_id)
        if known is None or now - known.read_at > _LIMITS_SECONDS:
            limit = self.read_limit(owner_id)
            with self._lock:
                bucket = self._buckets.setdefault(owner_id, _Bucket(limit, now, max(1.0, limit or 0.0), now))
                bucket.limit, bucket.read_at = limit, now
        with self._lock:
            self._take(self._buckets[owner_id], now)

    def _take(self, bucket: _Bucket, now: float) -> None:
        if bucket.limit is None:
            return
        burst = max(1.0, bucket.limit)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * bucket.limit)
        bucket.filled_at = now
        if bucket.tokens < 1.0:
            message = f"{bucket.limit:g} requests a second are allowed; wait a moment."
            seconds = (1.0 - bucket.tokens) / bucket.limit
            raise EngineError(ErrorCode.LIMIT_REACHED, message, retry_after_seconds=max(1.0, seconds))
        bucket.tokens -= 1.0
