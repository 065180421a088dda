"""Two engines, some workers and some clients at once, in threads, on one ledger."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any, BinaryIO

from jobengine.config import Settings
from jobengine.domain.announcements import Announcement, encode_announcement
from jobengine.domain.errors import EngineError
from jobengine.domain.ids import IdSource
from jobengine.domain.records import File, Owner
from jobengine.domain.reports import Delivery, Report, ReportKind, encode_reports
from jobengine.engine import Engine
from jobengine.loops.dispatcher import make_dispatcher
from jobengine.loops.pruner import make_pruner
from jobengine.loops.recorder import make_recorder
from jobengine.loops.rescuer import make_rescuer
from jobengine.store import SqlStore
from jobengine.transport.memory import MemoryTransport
from jobengine.verbs.builtin import put_builtins
from jobengine.verbs.outside import Outside
from jobengine.verbs.requests import JobRequest
from tests.unit.engine.world import OWNER, PIPELINES, STEPS, MemoryArtifacts

WORKERS = 4
FILES = 24


class LockedTransport:
    """The transport in memory for many threads: one call at a time."""

    def __init__(self) -> None:
        self.inner = MemoryTransport(time.time)
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.inner, name)

        def call(*arguments: Any, **more: Any) -> Any:
            with self._lock:
                return method(*arguments, **more)

        return call


class SeveralEngines:
    """A small cluster in one process; what goes wrong in a thread is kept for the test."""

    def __init__(self, url: str, engines: int) -> None:
        self.transport = LockedTransport()
        self.artifacts = MemoryArtifacts()
        self.settings = Settings(lease_seconds=3.0, message_grace_seconds=1.0, window_seconds=2.0)
        self.engines = [self._make_engine(url) for _ in range(engines)]
        self.web = self._make_engine(url)
        self.stop = threading.Event()
        self.broken: list[str] = []
        self.accepted: list[str] = []
        self.deleted: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._fill()

    def start(self) -> None:
        """Start the loops and the workers."""
        makers = (make_dispatcher, make_recorder, make_rescuer, make_pruner)
        self._threads += [make(engine, self.stop) for engine in self.engines for make in makers]
        self._threads += [threading.Thread(target=self._work, args=(number,)) for number in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Stop them; raises when one does not end."""
        self.stop.set()
        for thread in self._threads:
            thread.join(30.0)
            assert not thread.is_alive(), f"{thread.name} hangs"
        for engine in (*self.engines, self.web):
            engine.outside.store.close()

    def client(self, seed: int, jobs: int) -> None:
        """Submit jobs, and cancel, retry or delete some, all at once with others."""
        random = Random(seed)
        mine: list[str] = []
        for _ in range(jobs):
            pipeline = random.choice(("cells", "cells", "strict", "noop"))
            files = tuple(random.sample(self.file_ids, random.choice((4, 12, 24))))
            mine.append(self.web.submit(JobRequest(OWNER, pipeline, files, priority=random.randrange(10))).id)
            self.accepted.append(mine[-1])
            chosen = random.sample(mine, min(len(mine), 3))
            match random.randrange(8):
                case 0:
                    self.web.cancel(OWNER, chosen)
                case 1:
                    self.deleted.update(chosen)
                    self.web.delete(OWNER, chosen)
                case 2:
                    self._retry(chosen[0])

    def _retry(self, job_id: str) -> None:
        try:
            self.accepted.append(self.web.retry(OWNER, job_id).id)
        except EngineError as error:
            if error.code.value not in ("conflict", "not_found"):
                raise

    def run_clients(self, count: int, jobs: int) -> None:
        """So many clients at once, until all are done."""

        def run(seed: int) -> None:
            try:
                self.client(seed, jobs)
            except Exception as error:  # noqa: BLE001 - kept for the test
                self.broken.append(f"client {seed}: {error!r}")

        clients = [threading.Thread(target=run, args=(seed,)) for seed in range(count)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def _work(self, number: int) -> None:
        random = Random(number)
        name = f"worker{number}@host"
        announced_at = 0.0
        while not self.stop.is_set():
            if time.time() - announced_at > 1.0:
                announced_at = time.time()
                announcement = Announcement("host", 8, ("default",), STEPS, PIPELINES)
                self._say(Report(ReportKind.ANNOUNCED, name, announced_at, body=encode_announcement(announcement)))
            delivery = self.transport.take()
            if delivery is None:
                self.stop.wait(0.01)
            elif random.random() > 0.02 and self.transport.claim(delivery.id, name) is not None:
                self._run(delivery, name, random)

    def _run(self, delivery: Delivery, worker: str, random: Random) -> None:
        """Run a delivery; some are left in the middle without a word, some are given back, some fail."""
        reports = []
        for task in delivery.tasks:
            fate = random.random()
            about = (worker, time.time(), delivery.id, task.task_id, task.attempt)
            if fate < 0.01:
                break
            if fate < 0.02:
                reports.append(Report(ReportKind.RETURNED, worker, time.time(), delivery.id))
                break
            reports.append(Report(ReportKind.STARTED, *about))
            if fate < 0.04:
                reports.append(Report(ReportKind.FAILED, *about, {"kind": "crash", "message": "It broke."}))
            else:
                body = {"result": {"of": task.task_id}, "artifacts": []}
                reports.append(Report(ReportKind.SUCCEEDED, *about, body))
        for _ in range(2 if random.random() < 0.1 else 1):
            self._say(*reports)

    def _say(self, *reports: Report) -> None:
        encode_reports(reports)
        self.transport.report(reports)

    def _make_engine(self, url: str) -> Engine:
        store = SqlStore(url)
        ids = IdSource(time.time, Random().getrandbits)
        return Engine(Outside(store, self.transport, self.artifacts, time.time, ids, self.settings))

    def _fill(self) -> None:
        now = time.time()
        ids = self.web.outside.ids
        stored = [self.artifacts.put(_stream(number)) for number in range(FILES)]
        files = [
            File(ids.new(), OWNER, f"{n}.png", "", "image/png", one.size_bytes, one.sha256, now)
            for n, one in enumerate(stored)
        ]
        self.file_ids = [file.id for file in files]
        with self.web.outside.store.begin() as ledger:
            put_builtins(ledger, now)
            ledger.owners.insert([Owner(OWNER, "lab", now)])
            ledger.files.insert(files)
        announcement = Announcement("host", 8, ("default",), STEPS, PIPELINES)
        self._say(Report(ReportKind.ANNOUNCED, "first", now, body=encode_announcement(announcement)))
        self.engines[0].record()


def _stream(number: int) -> BinaryIO:
    return io.BytesIO(f"picture {number}".encode())
