"""The part of a worker's parent process: what it does when Celery says what happens."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from celery import Celery, signals
from celery.worker.request import Request

from jobengine.alive import heartbeat_of, start_beating
from jobengine.config import Settings
from jobengine.domain.interfaces.transport import WorkerChannel
from jobengine.domain.reports import Report, ReportKind
from jobengine.transport.guard import Guard
from jobengine.transport.keeper import LeaseKeeper
from jobengine.transport.names import Names
from jobengine.transport.slots import SlotTable

log = logging.getLogger(__name__)

_LATEST = 100
"""Of how many deliveries a worker remembers that it took them: more than can be on their way to its children."""

Announce = Callable[[int, Sequence[str]], Mapping[str, Any]]
"""The body of an announcement for a worker with that many slots, which takes these queues."""


class Forks(Protocol):
    """What is told of a fork, before it in the parent and after it in the child."""

    def adopt(self) -> None: ...

    def begin(self) -> None: ...


class Parent:
    """Guard and lease keeper of a worker, from its start to its end; made before the fork."""

    def __init__(
        self,
        app: Celery,
        settings: Settings,
        channel: WorkerChannel,
        slots: SlotTable,
        child: Forks,
        announce: Announce,
    ) -> None:
        self._app = app
        self._settings = settings
        self._child = child
        self._announce = announce
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self.guard = Guard(slots, settings.grace_seconds)
        self.keeper = LeaseKeeper(slots, self.guard, channel, settings.lease_seconds, self._announcement)

    def listen(self) -> None:
        """Be told by Celery from now on."""
        told = {
            signals.worker_init: self.on_init,
            signals.worker_ready: self.on_ready,
            signals.worker_process_init: self.on_child,
            signals.worker_shutting_down: self.on_stop_request,
            signals.task_received: self.on_taken,
            signals.worker_shutdown: self.on_shutdown,
            signals.task_unknown: self.on_unknown_step,
        }
        for signal, hear in told.items():
            # A strong reference: nobody else holds this object, and it lives as long as the process.
            signal.connect(hear, weak=False)

    def on_init(self, **kwargs: Any) -> None:
        """The process is the one that will fork."""
        # The application may have been made before the process became a daemon.
        self._child.adopt()
        # Not only when it is ready: a worker that waits for Redis to begin is alive as well.
        start_beating(heartbeat_of(self._settings, "worker"))

    def on_ready(self, sender: Any, **kwargs: Any) -> None:
        """The children are there, and work may come."""
        self._app.conf.worker_concurrency = sender.pool.num_processes
        queues = [queue.name for queue in sender.app.amqp.queues.consume_from.values()]
        self.guard.start()
        self.keeper.start(str(sender.hostname), queues)

    def on_child(self, **kwargs: Any) -> None:
        """This is a new child."""
        self._child.begin()

    def on_stop_request(self, **kwargs: Any) -> None:
        """The worker was told to stop."""
        self.guard.wind_down()

    def on_taken(self, request: Request, **kwargs: Any) -> None:
        """A delivery was taken out of its queue."""
        self._latest.append(str(request.id))

    def on_shutdown(self, **kwargs: Any) -> None:
        """The worker is at its end, and its children are gone or about to be."""
        # Celery drops what it takes in the moment in which it is told to stop, as a broker that keeps account would
        # send it again. What a child has begun is its own: the ticket is gone.
        for delivery_id in self._latest:
            self.keeper.give_back(delivery_id)
        self.keeper.stop()
        self.guard.stop()

    def on_unknown_step(self, name: str, id: str, **kwargs: Any) -> None:
        """A delivery came for a step that this worker does not have."""
        log.warning("this worker has no step %s; the delivery %s goes back", name, id)
        self.keeper.give_back(id)

    def _announcement(self) -> Report:
        concurrency = int(self._app.conf.worker_concurrency or os.cpu_count() or 1)
        # Those that it was told to take (-Q), which may be fewer than its steps are sent to.
        queues = Names(self._settings.redis_prefix).queues_among(self.keeper.queues)
        return Report(ReportKind.ANNOUNCED, self.keeper.worker, time.time(), body=self._announce(concurrency, queues))
