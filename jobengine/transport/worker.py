"""A Celery worker that runs deliveries: one Celery task per step, children that say what they are at."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from celery import Celery
from celery.worker.request import Request
from kombu.entity import Queue

from jobengine.config import Settings
from jobengine.domain.interfaces.transport import WorkerChannel
from jobengine.domain.reports import Delivery, decode_delivery
from jobengine.transport.celery_app import make_app
from jobengine.transport.names import Names
from jobengine.transport.parent import Announce, Parent
from jobengine.transport.processes import die_with, own_memory_bytes
from jobengine.transport.slots import Slot, SlotTable
from jobengine.transport.worker_events import BundledEvents


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
    Parent(app, settings, channel, slots, child, announce).listen()
    return app


def _add_step(app: Celery, step: str, child: Child) -> None:
    def run_delivery(self: Any, data: dict[str, Any]) -> None:
        child.run(decode_delivery(data), str(self.request.hostname))

    app.task(run_delivery, name=step, bind=True, ignore_result=True, max_retries=0, Request=TakenMessage)
