"""A runner on the in-memory transport and a directory of artifacts, with steps that a test defines."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from jobengine.artifacts import open_artifact_store
from jobengine.config import Settings
from jobengine.domain.reports import Delivery, DeliveryFile, DeliveryTask, Report, ReportKind
from jobengine.runtime import Context, Registry, step
from jobengine.runtime.runner import Parent, Runner
from jobengine.transport.memory import MemoryTransport

WORKER = "worker@host"


class RunnerBench:
    """Runs deliveries of one step and collects what is reported of them."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.folder = folder / "artifacts"
        self.transport = MemoryTransport(lambda: self.now)
        self.artifacts = open_artifact_store(self.folder.as_uri())
        self.registry = Registry()
        self.is_stopping = False
        self.told: list[str | None] = []
        self.runner = Runner(
            self.registry,
            self.transport,
            self.artifacts,
            Settings(result_limit_bytes=1000),
            clock=lambda: self.now,
            parent=Parent(
                on_task=lambda task_id, limit_seconds, memory_limit_bytes: self.told.append(task_id),
                is_stopping=lambda: self.is_stopping,
            ),
            monotonic=lambda: self.now,
        )

    def define(self, function: Callable[[Context], Mapping[str, Any]], **declared: Any) -> None:
        """Let the function be the step."""
        module = ModuleType("steps")
        module.step = step("a.step", version="1", scope="file", result_kind="r", **declared)(function)  # type: ignore[attr-defined]
        self.registry.collect(module)

    def delivery(self, tasks: int = 1, step: str = "a.step", time_limit_seconds: float = 60.0) -> Delivery:
        """A delivery on its way, each task with a file of its own."""
        made = tuple(
            DeliveryTask(f"{number:024x}", 1, "b" * 24, files=(self.file(f"{number}.bin"),)) for number in range(tasks)
        )
        delivery = Delivery("d" * 24, step, "1", "default", 5, time_limit_seconds, None, made)
        self.transport.send([delivery])
        return delivery

    def file(self, name: str) -> DeliveryFile:
        """A file that holds its own name."""
        stored = self.artifacts.put(io.BytesIO(name.encode()))
        return DeliveryFile("f" * 24, name, "image/png", stored.size_bytes, stored.sha256)

    def run(self, **fields: Any) -> list[Report]:
        """Run a delivery; what was reported, claims aside."""
        self.runner.run(self.delivery(**fields), WORKER)
        return self.reports()

    def reports(self) -> list[Report]:
        """What was reported since the last time."""
        entries = self.transport.receive(1000, 0)
        self.transport.acknowledge([entry.entry_id for entry in entries])
        return [r for entry in entries for r in entry.reports if r.kind is not ReportKind.CLAIMED]

    def failure(self, **fields: Any) -> Mapping[str, Any]:
        """Run a delivery of one task that fails; what is said of it."""
        started, failed = self.run(**fields)
        assert (started.kind, failed.kind) == (ReportKind.STARTED, ReportKind.FAILED)
        return failed.body
