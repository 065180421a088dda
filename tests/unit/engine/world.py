"""The whole engine in one process: ledger in memory, transport in memory, a clock that is moved by hand."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from jobengine.config import Settings
from jobengine.domain.announcements import Announcement, PipelineSpec, encode_announcement
from jobengine.domain.errors import EngineError, ErrorCode, not_found
from jobengine.domain.filters import Page, ResultFilter, TaskFilter
from jobengine.domain.ids import IdSource
from jobengine.domain.interfaces.artifacts import StoredBytes
from jobengine.domain.records import (
    Attempt,
    File,
    Job,
    Limits,
    Node,
    Owner,
    Result,
    RetryPolicy,
    Scope,
    StepSpec,
    Task,
)
from jobengine.domain.reports import Delivery, DeliveryTask, Report, ReportKind
from jobengine.engine import Engine
from jobengine.store import SqlStore
from jobengine.transport.memory import MemoryTransport
from jobengine.verbs.builtin import put_builtins
from jobengine.verbs.outside import Outside
from jobengine.verbs.requests import JobRequest
from tests.memory_ledger import migrated_ledger

SCHEMA = {
    "type": "object",
    "properties": {"sigma": {"type": "number", "minimum": 0, "description": "Smoothing."}},
    "additionalProperties": False,
}
STEPS = (
    StepSpec(
        "test.segment",
        "1",
        Scope.FILE,
        "segmentation",
        SCHEMA,
        retry=RetryPolicy(2, delay_seconds=10.0),
        resources={"gpu": 1},
    ),
    StepSpec("test.measure", "1", Scope.FILE, "objects"),
    StepSpec("test.tables", "1", Scope.JOB, "tables"),
    StepSpec("test.verdict", "1", Scope.JOB, "verdict", requires_all=True),
    StepSpec("test.noop", "1", Scope.FILE, "noop", tasks_per_delivery=100),
)
PIPELINES = (
    PipelineSpec(
        "cells",
        1,
        (
            Node("segment", "test.segment", parameters={"sigma": 1.0}),
            Node("measure", "test.measure", after=("segment",)),
            Node("tables", "test.tables", after=("measure",)),
        ),
    ),
    PipelineSpec("strict", 1, (Node("measure", "test.measure"), Node("verdict", "test.verdict", after=("measure",)))),
    PipelineSpec("noop", 1, (Node("noop", "test.noop"),)),
    PipelineSpec("masks", 1, (Node("masks", "test.tables", from_parent=("segment",)),)),
)
OWNER = "a" * 24
WORKER = "worker@host"


class MemoryArtifacts:
    """Bytes by hash in a dictionary."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        data = source.read()
        if limit_bytes is not None and len(data) > limit_bytes:
            raise EngineError(ErrorCode.TOO_LARGE, "too large")
        name = hashlib.sha256(data).hexdigest()
        self.contents[name] = data
        return StoredBytes(name, len(data))

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        if sha256 not in self.contents:
            raise not_found("artifact", sha256)
        return io.BytesIO(self.contents[sha256][start : None if length is None else start + length])

    def stat(self, sha256: str) -> StoredBytes | None:
        data = self.contents.get(sha256)
        return None if data is None else StoredBytes(sha256, len(data))

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        return sum(self.contents.pop(name, None) is not None for name in sha256s)

    def entries(self) -> Iterator[StoredBytes]:
        return iter([StoredBytes(name, len(data)) for name, data in self.contents.items()])

    def check(self) -> None:
        """It is always there."""

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        return None


class World:
    """An engine with one owner, one announced worker of two slots, and some pipelines."""

    def __init__(self, store: SqlStore | None = None, **settings: Any) -> None:
        self.now = 1000.0
        self.store = store or migrated_ledger().store
        self.transport = MemoryTransport(self.clock)
        self.artifacts = MemoryArtifacts()
        self.ids = IdSource(self.clock, lambda bits: 0)
        self.settings = Settings(**settings)
        self.outside = Outside(self.store, self.transport, self.artifacts, self.clock, self.ids, self.settings)
        self.engine = Engine(self.outside)
        with self.store.begin() as ledger:
            put_builtins(ledger, self.now)
            ledger.owners.insert([Owner(OWNER, "lab", self.now)])
        self.announce()

    def clock(self) -> float:
        """The time, moved by hand."""
        return self.now

    def announce(self) -> None:
        """Let the worker say what it can do, and the engine take it in."""
        announcement = Announcement("host", 2, ("default",), STEPS, PIPELINES)
        body = encode_announcement(announcement)
        self.transport.report([Report(ReportKind.ANNOUNCED, WORKER, self.now, body=body)])
        self.engine.record()

    def limit(self, **limits: Any) -> None:
        """Set the limits of the owner."""
        with self.store.begin() as ledger:
            ledger.owners.write_limits(Owner(OWNER, "lab", self.now, Limits(**limits)))

    def upload(self, count: int) -> tuple[str, ...]:
        """Files of the owner."""
        files = [
            File(self.ids.new(), OWNER, f"{n}.png", "", "image/png", 3, f"{n:064x}", self.now) for n in range(count)
        ]
        with self.store.begin() as ledger:
            ledger.files.insert(files)
        return tuple(file.id for file in files)

    def submit(self, pipeline: str, files: int = 1, **fields: Any) -> Job:
        """A job on new files."""
        return self.engine.submit(JobRequest(OWNER, pipeline, self.upload(files), **fields))

    def take(self) -> list[Delivery]:
        """Dispatch, and let the worker claim all that was sent."""
        self.engine.dispatch()
        claimed = []
        while (delivery := self.transport.take()) is not None:
            if self.transport.claim(delivery.id, WORKER) is not None:
                claimed.append(delivery)
        return claimed

    def say(self, kind: ReportKind, delivery: Delivery, task: DeliveryTask | None = None, /, **body: Any) -> None:
        """Report something, without the engine taking it in yet."""
        name, attempt = (task.task_id, task.attempt) if task else (None, 0)
        self.transport.report([Report(kind, WORKER, self.now, delivery.id, name, attempt, body)])

    def work(self, delivery: Delivery, outcome: Callable[[Delivery, DeliveryTask], Mapping[str, Any] | None]) -> None:
        """Run a delivery: ``outcome`` gives the body of a failure, or None for success."""
        for task in delivery.tasks:
            self.say(ReportKind.STARTED, delivery, task)
            failure = outcome(delivery, task)
            if failure is None:
                self.say(ReportKind.SUCCEEDED, delivery, task, result={"of": task.task_id}, artifacts=[])
            else:
                self.say(ReportKind.FAILED, delivery, task, **failure)

    def finish(
        self, outcome: Callable[[Delivery, DeliveryTask], Mapping[str, Any] | None] = lambda delivery, task: None
    ) -> int:
        """Dispatch, work and record until nothing is left to do now; how many tasks were run."""
        count = 0
        while deliveries := self.take():
            for delivery in deliveries:
                self.work(delivery, outcome)
                count += len(delivery.tasks)
            while self.engine.record():
                pass
        return count

    def watch(self, seconds: int) -> int:
        """Let time pass while the rescuer looks every second; how many tasks it rescued."""
        rescued = 0
        for _ in range(seconds):
            self.now += 1.0
            rescued += self.engine.rescue()
        return rescued

    def job(self, job: Job | str) -> Job:
        """The job as it is now."""
        job_id = job if isinstance(job, str) else job.id
        with self.store.read() as ledger:
            return ledger.jobs.fetch([job_id])[job_id]

    def tasks(self, job: Job) -> list[Task]:
        """Its tasks, oldest first."""
        with self.store.read() as ledger:
            return ledger.tasks.page(TaskFilter(job_id=job.id), Page(limit=None, descending=False))

    def results(self, job: Job) -> list[Result]:
        """Its results, oldest first."""
        with self.store.read() as ledger:
            return ledger.results.page(ResultFilter(job_id=job.id), Page(limit=None, descending=False))

    def attempts(self, task: Task) -> list[Attempt]:
        """The ended attempts of a task."""
        with self.store.read() as ledger:
            return ledger.results.attempts([task.id])
