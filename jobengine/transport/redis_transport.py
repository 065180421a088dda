"""The engine's end on Celery and Redis: deliveries out, the report stream in."""

from __future__ import annotations

import json
import logging
import os
import socket
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

from celery import Celery
from redis import Redis
from redis.exceptions import ResponseError

from jobengine.config import Settings
from jobengine.domain.errors import invalid
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.transport import AttemptKey, Received
from jobengine.domain.reports import Delivery, decode_reports, encode_delivery
from jobengine.transport.celery_app import make_app
from jobengine.transport.failures import mapped_failures
from jobengine.transport.names import FIELD, GROUP, Names, broker_priority

log = logging.getLogger(__name__)

_TICKET_SECONDS = 30 * 86_400
_CANCELED_SECONDS = 7 * 86_400
_IDLE_SECONDS = 5.0
_TAKE_OVER_SECONDS = 2.0
_REJECTED_MOST = 1000
_PROBE_SECONDS = 60

Entry = tuple[bytes, dict[bytes, bytes]]


class RedisTransport:
    """``Transport`` on Celery and Redis; connects when it is first used."""

    def __init__(self, settings: Settings, clock: Clock, app: Celery | None = None) -> None:
        self._names = Names(settings.redis_prefix)
        self._clock = clock
        self._app = app or make_app(settings)
        self._redis = _connect(settings.redis_url)
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._taken_over_at = float("-inf")

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Write the tickets, then publish the messages: a message whose ticket is not there yet would be dropped."""
        with mapped_failures():
            with self._redis.pipeline(transaction=False) as pipe:
                for delivery in deliveries:
                    pipe.set(self._names.ticket(delivery.id), delivery.queue, ex=_TICKET_SECONDS)
                pipe.execute()
            with self._app.producer_pool.acquire(block=True, timeout=10) as producer, producer.batch():
                for delivery in deliveries:
                    self._app.send_task(
                        delivery.step,
                        args=[encode_delivery(delivery)],
                        task_id=delivery.id,
                        queue=self._names.queue(delivery.queue),
                        priority=broker_priority(delivery.priority),
                        # What Flower shows of the arguments: which tasks, not all of their files.
                        argsrepr=repr([task.task_id for task in delivery.tasks][:20]),
                        kwargsrepr="{}",
                        ignore_result=True,
                        # A list of Redis needs no declaration; Celery would prepare one for every message.
                        declare=(),
                        producer=producer,
                        retry=False,
                    )

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Delete tickets; those deliveries that had one."""
        return self._each(delivery_ids, lambda pipe, name: pipe.delete(self._names.ticket(name)))

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """Those without a ticket, and those whose message is in no queue.

        Workers take a message only when a process is free to run it, so between queue and claim there is but a moment.
        """
        names = sorted(delivery_ids)
        with mapped_failures():
            queues: Any = self._redis.mget([self._names.ticket(name) for name in names]) if names else []
            tickets = {name: queue.decode() for name, queue in zip(names, queues, strict=True) if queue is not None}
            queued = {name for queue in set(tickets.values()) for name in self._queued(queue)}
        return {name for name in names if name not in tickets or name not in queued}

    def tickets(self, older_than_seconds: float) -> set[str]:
        """Read from how long each ticket still lives, as all are made to live equally long."""
        prefix = self._names.ticket("")
        with mapped_failures():
            keys = [key.decode() for key in self._redis.scan_iter(match=f"{prefix}*", count=1000)]
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.ttl(key)
                left = pipe.execute()
        latest = _TICKET_SECONDS - older_than_seconds
        return {key.removeprefix(prefix) for key, seconds in zip(keys, left, strict=True) if 0 <= seconds < latest}

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """New entries; first, now and then, those that an engine which died has left behind."""
        with mapped_failures():
            try:
                entries = self._take_over(limit) or self._read(limit, wait_seconds)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                self._make_group()
                entries = self._read(limit, wait_seconds)
            return self._decode(entries)

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """Acknowledge and delete, in one go."""
        if not entry_ids:
            return
        with mapped_failures(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xack(self._names.reports, GROUP, *entry_ids)
            pipe.xdel(self._names.reports, *entry_ids)
            pipe.execute(raise_on_error=False)

    def backlog(self) -> int:
        """The length of the stream: what is acknowledged is deleted from it."""
        with mapped_failures():
            return int(self._redis.xlen(self._names.reports))

    def backlog_seconds(self) -> float:
        """The age of the oldest entry by Redis' own clock."""
        with mapped_failures(), self._redis.pipeline(transaction=False) as pipe:
            pipe.xrange(self._names.reports, count=1)
            pipe.time()
            oldest, (seconds, microseconds) = pipe.execute()
        if not oldest:
            return 0.0
        written = int(oldest[0][0].split(b"-")[0]) / 1000
        return float(max(0.0, seconds + microseconds / 1e6 - written))

    def announce_canceled(self, attempts: Collection[AttemptKey]) -> None:
        """Leave a word for each attempt."""
        keys = [self._names.canceled(*attempt) for attempt in attempts]
        self._each(keys, lambda pipe, key: pipe.set(key, 1, ex=_CANCELED_SECONDS))

    def check(self) -> None:
        """Raises EngineError(UNAVAILABLE) unless Redis takes what it is given: a full one still answers."""
        with mapped_failures():
            self._redis.set(self._names.probe, self._consumer, ex=_PROBE_SECONDS)

    def _each(self, names: Collection[str], command: Callable[[Any, str], Any]) -> set[str]:
        """Run a command for each name in one round trip; the names for which it said yes."""
        ordered = sorted(names)
        if not ordered:
            return set()
        with mapped_failures(), self._redis.pipeline(transaction=False) as pipe:
            for name in ordered:
                command(pipe, name)
            answers = pipe.execute()
        return {name for name, answer in zip(ordered, answers, strict=True) if answer}

    def _queued(self, queue: str) -> set[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for name in self._names.lists(queue):
                pipe.lrange(name, 0, -1)
            lists = pipe.execute()
        return {json.loads(message)["headers"]["id"] for messages in lists for message in messages}

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self._names.reports, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _read(self, limit: int, wait_seconds: float) -> list[Entry]:
        block = max(1, int(wait_seconds * 1000)) if wait_seconds > 0 else None
        answer = self._redis.xreadgroup(GROUP, self._consumer, {self._names.reports: ">"}, count=limit, block=block)
        return [entry for _, entries in _pairs(answer) for entry in entries]

    def _take_over(self, limit: int) -> list[Entry]:
        now = self._clock()
        if 0 <= now - self._taken_over_at < _TAKE_OVER_SECONDS:
            return []
        idle = int(_IDLE_SECONDS * 1000)
        answer: Any = self._redis.xautoclaim(self._names.reports, GROUP, self._consumer, idle, count=limit)
        entries = [(name, fields) for name, fields in answer[1] if fields]
        if not entries:
            self._taken_over_at = now
        return entries

    def _decode(self, entries: Sequence[Entry]) -> list[Received]:
        received = []
        for name, fields in entries:
            try:
                received.append(Received(name.decode(), tuple(decode_reports(fields[FIELD]))))
            except (ValueError, KeyError) as error:
                log.error("a report entry cannot be read and is put aside in %s: %s", self._names.rejected, error)
                self._redis.xadd(self._names.rejected, fields, maxlen=_REJECTED_MOST)  # type: ignore[arg-type]
                self.acknowledge([name.decode()])
        return received


def _connect(url: str) -> Redis:
    """A client, not connected yet; raises EngineError(INVALID) for an address that is none."""
    try:
        return Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=10)
    except ValueError as error:
        raise invalid(f"{error}.", "JOBENGINE_REDIS_URL") from None


def _pairs(answer: Any) -> list[tuple[bytes, list[Entry]]]:
    """Streams with their entries: Redis' answer is a list in one protocol version and a mapping in the other."""
    if isinstance(answer, dict):
        return [(name, [entry for batch in batches for entry in batch]) for name, batches in answer.items()]
    return list(answer or [])
