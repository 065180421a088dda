"""A Celery worker that runs deliveries: one Celery task per step, children that say what they are at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from celery import Celery, signals
from kombu.entity import Queue

from jobengine.alive import heartbeat_of, start_beating
from jobengine.config import Settings
from jobengine.domain.interfaces import WorkerChannel
from jobengine.domain.reports import Delivery, Report, ReportKind, decode_delivery
from jobengine.transport.celery_app import make_app
from jobengine.transport.keeper import LeaseKeeper
from jobengine.transport.names import Names
from jobengine.transport.processes import die_with
from jobengine.transport.slots import Slot, SlotTable
from jobengine.transport.worker_events import BundledEvents


class RunsDeliveries(Protocol):
    """What runs a delivery in a child process."""

    def run(self, delivery: Delivery, worker: str) -> None: ...


OnTask = Callable[[str | None, float, int | None], None]
MakeRunner = Callable[[OnTask, Callable[[], bool]], RunsDeliveries]
"""Told what is at work, and asks whether the worker is to stop."""

WorkerApp = Celery
"""What ``make_worker_app`` makes, for those who know no Celery."""

Announce = Callable[[int], Mapping[str, Any]]
"""The body of an announcement for a worker with that many slots."""


class Child:
    """The part of a child process: its runner, and its row in the slot table."""

    def __init__(self, slots: SlotTable, make_runner: MakeRunner) -> None:
        self._slots = slots
        self._make_runner = make_runner
        self._slot: Slot | None = None
        self._runner: RunsDeliveries | None = None
        self._delivery: Delivery | None = None
        self._parent_id = os.getpid()

    def adopt(self) -> None:
        """Called in the worker's parent: what it forks from now on has this process to die with."""
        self._parent_id = os.getpid()

    def begin(self) -> None:
        """Right after the fork: die with the parent, and take a row."""
        # Without its parent nobody would renew a lease or keep a limit; what a child did then would be refused.
        if os.getpid() != self._parent_id:
            die_with(self._parent_id)
        self._slot = self._slots.take()
        self._runner = self._make_runner(self._on_task, lambda: self._slots.is_stopping)

    def run(self, delivery: Delivery, worker: str) -> None:
        """Run a delivery; the parent sees it until it is done."""
        if self._slot is None or self._runner is None:
            self.begin()
        if self._slot is None or self._runner is None:
            raise RuntimeError("the child has no slot")
        self._delivery = delivery
        self._on_task(None, 0.0, None)
        try:
            self._runner.run(delivery, worker)
        finally:
            self._delivery = None
            self._slots.write(Slot(self._slot.row, self._slot.process_id))

    def _on_task(self, task_id: str | None, deadline: float, memory_limit_bytes: int | None) -> None:
        if self._slot is None or self._delivery is None:
            return
        attempts = {task.task_id: task.attempt for task in self._delivery.tasks}
        self._slots.write(
            Slot(
                self._slot.row,
                self._slot.process_id,
                self._delivery.id,
                task_id,
                attempts.get(task_id or "", 0),
                deadline,
                memory_limit_bytes,
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
    app.conf.task_queues = [Queue(names.queue(queue)) for queue in queues]  # type: ignore[no-untyped-call]
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

    app.task(run_delivery, name=step, bind=True, ignore_result=True, max_retries=0)


def _connect_signals(
    app: Celery, settings: Settings, channel: WorkerChannel, slots: SlotTable, child: Child, announce: Announce
) -> None:
    def announcement() -> Report:
        concurrency = int(app.conf.worker_concurrency or os.cpu_count() or 1)
        return Report(ReportKind.ANNOUNCED, keeper.worker, time.time(), body=announce(concurrency))

    keeper = LeaseKeeper(
        slots, channel, time.time, settings.lease_seconds, announcement, grace_seconds=settings.grace_seconds
    )

    def on_init(**kwargs: Any) -> None:
        # The application may have been made before the process became a daemon.
        child.adopt()
        # Not only when it is ready: a worker that waits for Redis to begin is alive as well.
        start_beating(heartbeat_of(settings, "worker"))

    def on_ready(sender: Any, **kwargs: Any) -> None:
        app.conf.worker_concurrency = sender.pool.num_processes
        queues = [queue.name for queue in sender.app.amqp.queues.consume_from.values()]
        keeper.start(str(sender.hostname), queues)

    def on_child(**kwargs: Any) -> None:
        child.begin()

    def on_stop_request(**kwargs: Any) -> None:
        keeper.wind_down()

    def on_shutdown(**kwargs: Any) -> None:
        keeper.stop()

    # Strong references: the functions live as long as the process.
    signals.worker_init.connect(on_init, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_process_init.connect(on_child, weak=False)
    signals.worker_shutting_down.connect(on_stop_request, weak=False)
    signals.worker_shutdown.connect(on_shutdown, weak=False)
