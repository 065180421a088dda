"""A Celery worker that runs deliveries: one Celery task per step, children that say what they are at."""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from celery import Celery, signals
from celery.worker.request import Request
from kombu.entity import Queue

from jobengine.alive import heartbeat_of, start_beating
from jobengine.config import Settings
from jobengine.domain.interfaces.transport import WorkerChannel
from jobengine.domain.reports import Delivery, Report, ReportKind, decode_delivery
from jobengine.transport.celery_app import make_app
from jobengine.transport.guard import Guard
from jobengine.transport.keeper import LeaseKeeper
from jobengine.transport.names import Names
from jobengine.transport.processes import die_with, own_memory_bytes
from jobengine.transport.slots import Slot, SlotTable
from jobengine.transport.worker_events import BundledEvents

log = logging.getLogger(__name__)

_LATEST = 100
"""Of how many deliveries a worker remembers that it took them: more than can be on their way to its children."""


class RunsDeliveries(Protocol):
    """What runs a delivery in a child process."""

    def run(self, delivery: Delivery, worker: str) -> None: ...


OnTask = Callable[[str | None, float, int | None], None]
IsStopping = Callable[[], bool]
IsCanceled = Callable[[str, int], bool]
MakeRunner = Callable[[OnTask, IsStopping, IsCanceled], RunsDeliveries]
"""Tells what is at work; asks whether the worker is to stop, and whether nobody wants an attempt any more."""

WorkerApp = Celery
"""What ``make_worker_app`` makes, for those who know no Celery."""

Announce = Callable[[int], Mapping[str, Any]]
"""The body of an announcement for a worker with that many slots."""


class TakenMessage(Request):  # type: ignore[misc]
    """A message that left its queue when it was taken, so that there is nothing to acknowledge.

    Celery would do so all the same, at the price of a round trip for each.
    """

    def acknowledge(self) -> None:
        """Say nothing to the broker."""
        self.acknowledged = True


class Child:
    """The part of a child process: its runner, and its row in the slot table."""

    def __init__(self, slots: SlotTable, make_runner: MakeRunner) -> None:
        self._slots = slots
        self._make_runner = make_runner
        self._slot: Slot | None = None
        self._runner: RunsDeliveries | None = None
        self._delivery: Delivery | None = None
        self._attempts: Mapping[str | None, int] = {}
        self._parent_id = os.getpid()
        self._fresh_bytes = 0

    def adopt(self) -> None:
        """Called in the worker's parent: what it forks from now on has this process to die with."""
        self._parent_id = os.getpid()

    def begin(self) -> None:
        """Right after the fork: die with the parent, and take a row."""
        # Without its parent nobody would renew a lease or keep a limit; what a child did then would be refused.
        if os.getpid() != self._parent_id:
            die_with(self._parent_id)
            # What its steps start is in its group, and found there even when the child is gone. What a terminal or a
            # process manager sends to the worker's group reaches the parent, which lets the children finish.
            os.setpgid(0, 0)
        self._slot = slot = self._slots.take()
        self._fresh_bytes = own_memory_bytes()
        self._runner = self._make_runner(
            self._on_task,
            lambda: self._slots.is_stopping,
            lambda task_id, attempt: self._slots.is_canceled(slot.row, task_id, attempt),
        )
        # What is there stays: the collector need not look at it, and its pages stay shared with the parent.
        gc.freeze()

    def run(self, delivery: Delivery, worker: str) -> None:
        """Run a delivery; the parent sees it until it is done."""
        if self._slot is None or self._runner is None:
            self.begin()
        if self._slot is None or self._runner is None:
            raise RuntimeError("the child has no slot")
        self._delivery = delivery
        self._attempts = {task.task_id: task.attempt for task in delivery.tasks}
        self._on_task(None, 0.0, None)
        try:
            self._runner.run(delivery, worker)
        finally:
            self._delivery = None
            self._slots.write(Slot(self._slot.row, self._slot.process_id))

    def _on_task(self, task_id: str | None, limit_seconds: float, memory_limit_bytes: int | None) -> None:
        if self._slot is None or self._delivery is None:
            return
        # A step has its limit to itself: what earlier ones have left in the process is not held against it.
        leftover_bytes = max(0, own_memory_bytes() - self._fresh_bytes) if memory_limit_bytes is not None else 0
        self._slots.write(
            Slot(
                self._slot.row,
                self._slot.process_id,
                self._delivery.id,
                task_id,
                self._attempts.get(task_id, 0),
                time.monotonic() + limit_seconds if task_id is not None else 0.0,
                memory_limit_bytes,
                leftover_bytes,
            )
        )


def make_worker_app(
    settings: Settings,
    channel: WorkerChannel,
    steps: Iterable[str],
    queues: Iterable[str],
    make_runner: MakeRunner,
    announce: Announce,
) -> Celery:
    """The application that ``celery worker`` runs: it takes the queues of its steps unless it is told others."""
    app = make_app(settings)
    names = Names(settings.redis_prefix)
    app.conf.worker_max_tasks_per_child = settings.tasks_per_child or None
    # Nobody keeps account of who has which message but the ledger: a message is gone as soon as it is taken.
    app.conf.task_queues = [Queue(names.queue(queue), no_ack=True) for queue in queues]  # type: ignore[no-untyped-call]
    app.steps["consumer"].add(BundledEvents)
    slots = SlotTable()
    child = Child(slots, make_runner)
    for step in steps:
        _add_step(app, step, child)
    _connect_signals(app, settings, channel, slots, child, announce)
    return app


def _add_step(app: Celery, step: str, child: Child) -> None:
    def run_delivery(self: Any, data: dict[str, Any]) -> None:
        child.run(decode_delivery(data), str(self.request.hostname))

    app.task(run_delivery, name=step, bind=True, ignore_result=True, max_retries=0, Request=TakenMessage)


def _connect_signals(
    app: Celery, settings: Settings, channel: WorkerChannel, slots: SlotTable, child: Child, announce: Announce
) -> None:
    def announcement() -> Report:
        concurrency = int(app.conf.worker_concurrency or os.cpu_count() or 1)
        return Report(ReportKind.ANNOUNCED, keeper.worker, time.time(), body=announce(concurrency))

    latest: deque[str] = deque(maxlen=_LATEST)
    guard = Guard(slots, settings.grace_seconds)
    keeper = LeaseKeeper(slots, guard, channel, settings.lease_seconds, announcement)

    def on_init(**kwargs: Any) -> None:
        # The application may have been made before the process became a daemon.
        child.adopt()
        # Not only when it is ready: a worker that waits for Redis to begin is alive as well.
        start_beating(heartbeat_of(settings, "worker"))

    def on_ready(sender: Any, **kwargs: Any) -> None:
        app.conf.worker_concurrency = sender.pool.num_processes
        queues = [queue.name for queue in sender.app.amqp.queues.consume_from.values()]
        guard.start()
        keeper.start(str(sender.hostname), queues)

    def on_child(**kwargs: Any) -> None:
        child.begin()

    def on_stop_request(**kwargs: Any) -> None:
        guard.wind_down()

    def on_taken(request: Request, **kwargs: Any) -> None:
        latest.append(str(request.id))

    def on_shutdown(**kwargs: Any) -> None:
        # Celery drops what it takes in the moment in which it is told to stop, as a broker that keeps account would
        # send it again. What a child has begun is its own: the ticket is gone.
        for delivery_id in latest:
            keeper.give_back(delivery_id)
        keeper.stop()
        guard.stop()

    def on_unknown_step(name: str, id: str, **kwargs: Any) -> None:
        log.warning("this worker has no step %s; the delivery %s goes back", name, id)
        keeper.give_back(id)

    # Strong references: the functions live as long as the process.
    signals.worker_init.connect(on_init, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_process_init.connect(on_child, weak=False)
    signals.worker_shutting_down.connect(on_stop_request, weak=False)
    signals.task_received.connect(on_taken, weak=False)
    signals.worker_shutdown.connect(on_shutdown, weak=False)
    signals.task_unknown.connect(on_unknown_step, weak=False)
