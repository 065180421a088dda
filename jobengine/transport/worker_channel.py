"""A worker's end on Redis: the ticket of a delivery, and the report stream."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from jobengine.config import Settings
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.transport import AttemptKey
from jobengine.domain.reports import Report, ReportKind, encode_reports
from jobengine.transport.failures import mapped_failures
from jobengine.transport.names import FIELD, Names, lists_of

log = logging.getLogger(__name__)

_CLAIM = """
if redis.call('DEL', KEYS[1]) == 1 then
    redis.call('XADD', KEYS[2], '*', ARGV[1], ARGV[2])
    local marks = {}
    for place = 3, #KEYS do
        marks[place - 2] = redis.call('EXISTS', KEYS[place])
    end
    return marks
end
return false
"""
"""The ticket, the stream and one mark for each attempt; nil when somebody else has the ticket."""


class RedisWorkerChannel:
    """``WorkerChannel`` on Redis. Each process that uses it gets a connection of its own, also after a fork."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._names = Names(settings.redis_prefix)
        self._clock = clock
        self._connections: dict[int, Redis] = {}

    def claim(self, delivery_id: str, worker: str, attempts: Collection[AttemptKey] = ()) -> set[AttemptKey] | None:
        """Take the ticket and write the claim in one script, so that there is never one without the other."""
        asked = list(attempts)
        claim = encode_reports([Report(ReportKind.CLAIMED, worker, self._clock(), delivery_id)])
        with mapped_failures():
            marks_of = [self._names.canceled(*attempt) for attempt in asked]
            keys = (self._names.ticket(delivery_id), self._names.reports, *marks_of)
            marks: Any = self._redis.eval(_CLAIM, len(keys), *keys, FIELD.decode(), claim)
        return None if marks is None else {attempt for attempt, mark in zip(asked, marks, strict=True) if mark}

    def report(self, reports: Sequence[Report]) -> None:
        """Append one entry."""
        text = encode_reports(reports)
        with mapped_failures():
            self._redis.xadd(self._names.reports, {FIELD: text})

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """Those that are marked; none while Redis is away, as the step shall go on then."""
        asked = sorted(attempts)
        if not asked:
            return set()
        try:
            marks = self._redis.mget([self._names.canceled(*attempt) for attempt in asked])
        except (RedisError, OSError) as error:
            log.warning("cannot ask whether tasks are canceled: %s", error)
            return set()
        return {attempt for attempt, mark in zip(asked, marks, strict=True) if mark is not None}

    def has_waiting(self, queues: Sequence[str]) -> bool:
        """Looks at the lengths of the queues' lists, one for each priority."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for queue in queues:
                    for name in lists_of(queue):
                        pipe.llen(name)
                return any(pipe.execute())
        except (RedisError, OSError) as error:
            log.warning("cannot ask whether work waits: %s", error)
            return False

    @property
    def _redis(self) -> Redis:
        # A connection that was inherited over a fork would mix the answers of two processes.
        process = os.getpid()
        if process not in self._connections:
            self._connections = {
                process: Redis.from_url(
                    self._settings.redis_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=10
                )
            }
        return self._connections[process]
