"""Virtual workers: children that claim, run and report; a keeper that renews for them and says which one is gone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobengine.domain.announcements import encode_announcement
from jobengine.domain.reports import Delivery, DeliveryTask, Report, ReportKind, decode_manifest
from jobengine.domain.states import FailureKind
from tests.faults.simulation.broker import WorkerEnd
from tests.faults.simulation.catalog import SIGN_OF_LIFE, SLOTS, Nature, true_value
from tests.faults.simulation.clockwork import ProcessDied
from tests.faults.simulation.scene import Scene

_ANNOUNCE_SECONDS = 20.0
_ANNOUNCED = encode_announcement(SIGN_OF_LIFE)
_FLAKY_ATTEMPTS = 2


class ChildDied(Exception):
    """A child process was killed; its worker lives."""


@dataclass(slots=True)
class Child:
    """What the keeper sees of a child."""

    delivery: Delivery | None = None
    task: DeliveryTask | None = None


class WorkerProcess:
    """A worker of some children that is started again whenever it died or shut down."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene = scene
        self._name = name
        self._lives = 0
        self._start()
        scene.clockwork.spawn(self._keep_alive)

    def _start(self) -> None:
        self._lives += 1
        self._process = self._scene.process(f"{self._name}.{self._lives}@{self._name}", self._name)
        self._end = WorkerEnd(self._scene, self._process)
        self._is_stopping = False
        self._children = [Child() for _ in range(SLOTS)]
        for child in self._children:
            self._process.spawn(lambda child=child: self._live(child))  # type: ignore[misc]
        self._process.spawn(self._keep_leases)

    def _keep_alive(self) -> None:
        clockwork, random = self._scene.clockwork, self._scene.random
        while True:
            clockwork.pause(1.0)
            has_stopped = self._is_stopping and all(child.delivery is None for child in self._children)
            if has_stopped:
                self._process.die()
            if not self._process.is_alive:
                clockwork.pause(random.uniform(0.0, 10.0))
                self._start()

    # The keeper.

    def _keep_leases(self) -> None:
        announced_at = float("-inf")
        while True:
            reports = []
            if self._process.clock() - announced_at >= _ANNOUNCE_SECONDS:
                announced_at = self._process.clock()
                reports.append(self._say(ReportKind.ANNOUNCED, **_ANNOUNCED))
            for child in self._children:
                if child.delivery is not None:
                    reports.append(self._say(ReportKind.RENEWED, child.delivery, child.task))
            if reports:
                self._end.report(reports)
            self._process.pause(self._scene.settings.lease_seconds / 3)

    # A child.

    def _live(self, child: Child) -> None:
        random = self._scene.random
        while True:
            delivery = None if self._is_stopping else self._end.take()
            if delivery is None:
                self._process.pause(random.uniform(0.1, 1.5))
                continue
            self._process.pause(random.random() * 0.05)
            child.delivery = delivery
            try:
                if self._end.claim(delivery.id):
                    self._run(child, delivery)
                child.delivery = child.task = None
            except ChildDied:
                self._bury(child, delivery)

    def _bury(self, child: Child, delivery: Delivery) -> None:
        """The keeper reports the child, and another takes its place."""
        self._count_deaths(delivery)
        lost = self._say(
            ReportKind.LOST, delivery, child.task, kind=FailureKind.LOST.value, message="The worker process went down."
        )
        child.delivery = child.task = None
        self._end.report([lost])

    def _run(self, child: Child, delivery: Delivery) -> None:
        scene, said = self._scene, list[Report]()
        unwanted = self._end.canceled([(task.task_id, task.attempt) for task in delivery.tasks])
        for task in delivery.tasks:
            if self._is_stopping:
                self._end.report([*said, self._say(ReportKind.RETURNED, delivery)])
                return
            if (task.task_id, task.attempt) in unwanted:
                continue
            child.task = task
            said.append(self._say(ReportKind.STARTED, delivery, task))
            if scene.random.random() < 0.5:
                self._end.report(said)
                said = []
            end = self._work(delivery, task)
            child.task = None
            if end is not None:
                said.append(end)
        if said:
            self._end.report(said)

    def _work(self, delivery: Delivery, task: DeliveryTask) -> Report | None:
        """Run a task; what to say of its end, or None when nobody wants it any more."""
        nature = self._scene.nature(task.task_id)
        seconds = self._scene.random.expovariate(1.0)
        for part in (0.3, 0.7):
            self._process.pause(seconds * part if nature is not Nature.SLOW else 40.0 * part)
            self._suffer(delivery)
            if self._end.canceled([(task.task_id, task.attempt)]):
                return None
            if part == 0.3 and self._scene.random.random() < 0.3:
                logged = self._say(ReportKind.LOGGED, delivery, task, text="half way")
                self._end.report([self._say(ReportKind.PROGRESSED, delivery, task, fraction=part, message=""), logged])
        if nature is Nature.DEADLY:
            raise ChildDied
        return self._end_of(nature, delivery, task)

    def _suffer(self, delivery: Delivery) -> None:
        scene, faults = self._scene, self._scene.faults
        if scene.chance(faults.child_dies):
            raise ChildDied
        if scene.chance(faults.worker_dies):
            self._count_deaths(*(child.delivery for child in self._children))
            self._process.die()
            raise ProcessDied
        if scene.chance(faults.worker_stalls):
            scene.host(self._name).still_until = scene.clockwork.now + scene.random.uniform(1.0, 40.0)
        if scene.chance(faults.worker_stops):
            self._is_stopping = True

    def _count_deaths(self, *deliveries: Delivery | None) -> None:
        for delivery in deliveries:
            self._scene.deaths.update(task.task_id for task in (delivery.tasks if delivery else ()))

    def _end_of(self, nature: Nature, delivery: Delivery, task: DeliveryTask) -> Report:
        def fail(kind: FailureKind, **more: Any) -> Report:
            return self._say(ReportKind.FAILED, delivery, task, kind=kind.value, message=nature.value, **more)

        match nature:
            case Nature.BAD:
                return fail(FailureKind.STEP)
            case Nature.FLAKY if task.attempt <= _FLAKY_ATTEMPTS:
                return fail(FailureKind.CRASH)
            case Nature.ASKING if task.attempt <= 1:
                return fail(FailureKind.STEP, retry_after_seconds=3.0)
            case Nature.STRAINED if task.attempt <= _FLAKY_ATTEMPTS:
                return fail(FailureKind.SYSTEM)
        value = self._value(delivery, task)
        stored = self._scene.artifacts.put(io.BytesIO(value.encode()))
        saved = {"name": "value", "media_type": "text/plain", "size_bytes": stored.size_bytes, "sha256": stored.sha256}
        result = {"value": value, "attempt": task.attempt, "delivery": delivery.id}
        return self._say(ReportKind.SUCCEEDED, delivery, task, result=result, artifacts=[saved])

    def _value(self, delivery: Delivery, task: DeliveryTask) -> str:
        files, before = task.files, task.predecessors
        if task.manifest_sha256 is not None:
            with self._scene.artifacts.open(task.manifest_sha256) as stream:
                files, before = decode_manifest(stream.read())
        values = [str(predecessor.result["value"]) for predecessor in before]
        return true_value(delivery.step, task.parameters, [file.id for file in files], values)

    def _say(
        self, kind: ReportKind, delivery: Delivery | None = None, task: DeliveryTask | None = None, /, **body: Any
    ) -> Report:
        name, attempt = (task.task_id, task.attempt) if task else (None, 0)
        said: Mapping[str, Any] = body
        delivery_id = delivery.id if delivery else None
        return Report(kind, self._process.name, self._process.clock(), delivery_id, name, attempt, said)
