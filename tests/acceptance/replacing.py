"""A system that works while its processes are replaced, and what must be true of it in the end."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import JobFilter, Page, ResultFilter, TaskFilter
from jobengine.domain.records import Role
from jobengine.domain.states import JobState
from tests.contract.ledgers import POSTGRESQL
from tests.faults.chaos.background import Background
from tests.faults.chaos.load import Client
from tests.faults.chaos.system import ChaosSystem, Managed, running_chaos_system
from tests.servers import wait_until

READY = {"web": "Booting worker", "engine": "the engine runs", "worker": " ready."}
"""What each kind of process writes when it is there."""


@dataclass(slots=True)
class Submitter:
    """Submits a job every now and then, each until it is accepted, and keeps what happened meanwhile."""

    client: Client
    accepted: list[str] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    _background: Background = field(init=False)

    def __post_init__(self) -> None:
        self._background = Background(self._run)

    def start(self) -> None:
        """Begin."""
        self._background.start()

    def stop(self) -> None:
        """Bring the submission under way to its end."""
        self._background.stop()

    def wait_for_more(self, count: int = 2) -> None:
        """Wait until so many more jobs were accepted."""
        enough = len(self.accepted) + count
        wait_until(lambda: len(self.accepted) >= enough, 60, "more submissions")

    def _run(self) -> None:
        file_ids = self.client.upload()
        number = 0
        while not self._background.pause(0.4):
            number += 1
            body = {"pipeline": "chaos-short", "files": file_ids[:12]}
            if number % 6 == 0:
                body = {"pipeline": "chaos-long", "files": file_ids[:2]}
            while not self._submit(number, body):
                self._background.pause(0.05)

    def _submit(self, number: int, body: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {self.client.key}", "Idempotency-Key": str(number)}
        began = time.monotonic()
        try:
            answer = httpx.post(f"{self.client.url}/api/v1/jobs", json=body, headers=headers, timeout=120)
        except httpx.HTTPError as error:
            self.failures.append((began, type(error).__name__))
            return False
        if answer.status_code != 201:
            self.failures.append((began, f"{answer.status_code} {answer.text}"))
            return False
        self.accepted.append(answer.json()["id"])
        return True


@dataclass(slots=True)
class Loaded:
    """A system under load."""

    system: ChaosSystem
    parts: Parts
    submitter: Submitter

    def restart(self, managed: Managed) -> tuple[float, float]:
        """Tell a process to stop, and wait until another one is there in its place; from when till when."""
        began, before, word = time.monotonic(), managed.process, READY[managed.name.rstrip("12")]
        assert before is not None
        written = managed.log.read_text(errors="replace").count(word)
        before.send_signal(signal.SIGTERM)
        assert before.wait(60) == 0, managed.name
        wait_until(lambda: managed.log.read_text(errors="replace").count(word) > written, 90, f"a new {managed.name}")
        return began, time.monotonic()


@contextmanager
def running_under_load(folder: Path, ledger: str) -> Iterator[Loaded]:
    """Redis, a web server, an engine (two where the ledger takes two), two workers, and a client that submits."""
    with running_chaos_system(folder, "postgresql" if ledger == POSTGRESQL else "sqlite") as system:
        parts = build(read_settings(system.environment))
        submitter = Submitter(Client(system.url, parts.engine.create_key("lab", Role.SUBMITTER), folder / "log", 1))
        system.start()
        wait_until(lambda: "chaos-short" in names_of_pipelines(parts), 90, "the announcement")
        wait_until(lambda: is_ready(system.url), 90, "the web server")
        submitter.start()
        try:
            yield Loaded(system, parts, submitter)
        finally:
            submitter.stop()
            parts.outside.store.close()


def names_of_pipelines(parts: Parts) -> set[str]:
    """What can be submitted."""
    return {pipeline.name for pipeline in parts.queries.catalog.pipelines(None, Page(1000))}


def is_ready(url: str) -> bool:
    """Whether the web server takes submissions."""
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def assert_each_task_ran_once(loaded: Loaded) -> None:
    """Every accepted job succeeded, and each of its tasks was run to its end once, at no cost."""
    parts = loaded.parts

    def jobs() -> dict[str, JobState]:
        with parts.outside.store.read() as ledger:
            return {job.id: job.state for job in ledger.jobs.page(JobFilter(), Page(limit=None))}

    wait_until(lambda: all(state.is_final for state in jobs().values()), 90, "the end of all jobs")
    with parts.outside.store.read() as ledger:
        tasks = ledger.tasks.page(TaskFilter(), Page(limit=None))
        results = ledger.results.page(ResultFilter(), Page(limit=None))
        attempts = ledger.results.attempts([task.id for task in tasks])
    assert jobs() == dict.fromkeys(loaded.submitter.accepted, JobState.SUCCEEDED)
    assert sorted(result.task_id for result in results) == sorted(task.id for task in tasks)
    # The step that sums up writes nothing down.
    writing = [task.id for task in tasks if task.step != "chaos.sum"]
    assert Counter(loaded.system.executions.read_text().split()) == Counter(writing)
    assert {(task.failures, task.losses) for task in tasks} == {(0, 0)}
    others = [attempt for attempt in attempts if attempt.outcome not in ("succeeded", "returned")]
    assert others == []
    assert parts.engine.audit(with_hashes=True) == []
