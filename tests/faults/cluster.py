"""A small cluster of real processes: Redis, an engine, workers, and a ledger in a folder."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from jobengine.build import Parts, build
from jobengine.config import Settings, read_settings
from jobengine.domain.filters import Page, ResultFilter, TaskFilter
from jobengine.domain.records import File, Job, Owner, Result, Task
from jobengine.verbs.requests import JobRequest
from tests.servers import RedisServer, free_port, wait_until

OWNER = "a" * 24
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Cluster:
    """Started by hand, piece by piece, and stopped piece by piece: only what it started."""

    folder: Path
    redis: RedisServer = field(init=False)
    parts: Parts = field(init=False)
    engine: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        (self.folder / "redis").mkdir()
        self.redis = RedisServer(self.folder / "redis", free_port())

    @property
    def environment(self) -> dict[str, str]:
        """What the processes are told."""
        return {
            **os.environ,
            "JOBENGINE_DATA_DIR": str(self.folder / "data"),
            "JOBENGINE_REDIS_URL": self.redis.url,
            "JOBENGINE_STEPS": "tests.teststeps",
            "JOBENGINE_LEASE_SECONDS": "6",
            "JOBENGINE_MESSAGE_GRACE_SECONDS": "2",
            "JOBENGINE_GRACE_SECONDS": "4",
        }

    @property
    def settings(self) -> Settings:
        """The same, as settings."""
        return read_settings(self.environment)

    def start(self) -> None:
        """Start everything, and wait until pipelines are announced."""
        self.redis.start()
        self.parts = build(self.settings)
        with self.parts.outside.store.begin() as ledger:
            ledger.owners.insert([Owner(OWNER, "lab", time.time())])
        self.start_engine()
        self.start_worker()
        wait_until(self._has_pipelines, 40.0, "the announcement of the worker")

    def start_engine(self) -> None:
        """Start the engine process."""
        self.engine = self._spawn("engine", [sys.executable, "-m", "jobengine.loops"])

    def start_worker(self) -> None:
        """Start a worker with two processes."""
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-c", "2", "-l", "INFO"]
        self.worker = self._spawn("worker", command)

    def stop(self) -> None:
        """Kill what is left."""
        for process in (self.engine, self.worker):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.redis.kill()
        self.parts.outside.store.close()

    def children(self) -> list[int]:
        """The processes that run steps."""
        if self.worker is None:
            return []
        return [child.pid for child in psutil.Process(self.worker.pid).children()]

    def log_of(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def submit(self, pipeline: str, contents: list[bytes], **fields: Any) -> Job:
        """A job on new files."""
        outside = self.parts.outside
        files = []
        for index, data in enumerate(contents):
            stored = outside.artifacts.put(io.BytesIO(data))
            name = f"{index}.bin"
            files.append(
                File(
                    outside.ids.new(),
                    OWNER,
                    name,
                    "",
                    "application/octet-stream",
                    len(data),
                    stored.sha256,
                    outside.clock(),
                )
            )
        with outside.store.begin() as ledger:
            ledger.files.insert(files)
        return self.parts.engine.submit(JobRequest(OWNER, pipeline, tuple(file.id for file in files), **fields))

    def job(self, job: Job) -> Job:
        """The job as it is now."""
        with self.parts.outside.store.read() as ledger:
            return ledger.jobs.fetch([job.id])[job.id]

    def finished(self, job: Job, seconds: float = 60.0) -> Job:
        """The job once it has ended."""
        wait_until(lambda: self.job(job).state.is_final, seconds, f"the end of the job {job.id}")
        return self.job(job)

    def tasks(self, job: Job) -> list[Task]:
        """Its tasks."""
        with self.parts.outside.store.read() as ledger:
            return ledger.tasks.page(TaskFilter(job_id=job.id), Page(limit=None, descending=False))

    def results(self, job: Job) -> list[Result]:
        """Its results."""
        with self.parts.outside.store.read() as ledger:
            return ledger.results.page(ResultFilter(job_id=job.id), Page(limit=None, descending=False))

    def wait_for_successes(self, job: Job, count: int) -> None:
        """Wait until so many tasks of the job have succeeded."""
        wait_until(lambda: self.job(job).counts.succeeded >= count, 60.0, f"{count} successes")

    def wait_until_running(self, job: Job) -> None:
        """Wait until a task of the job runs."""
        wait_until(lambda: self.job(job).counts.running > 0, 60.0, "a running task")

    def _has_pipelines(self) -> bool:
        with self.parts.outside.store.read() as ledger:
            return ledger.catalog.find_pipeline(None, "noop") is not None

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)


def kill(process: subprocess.Popen[bytes] | None) -> None:
    """SIGKILL, and wait until it is gone."""
    if process is not None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
