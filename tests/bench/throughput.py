"""No-op tasks per second through the whole engine, beside stock Celery on the same Redis with as many processes.

``python -m tests.bench.throughput [tasks]``; the two take turns, and what is printed at the end are ratios, as absolute
times on a busy machine say little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from celery import Celery, group

from jobengine.build import build
from jobengine.config import read_settings
from jobengine.domain.records import File, Owner
from jobengine.verbs.requests import JobRequest
from tests.servers import RedisServer, free_port, wait_until

OWNER = "a" * 24
PROCESSES = 2
ROUNDS = 5
_FACTORS = {1: 1, 100: 10}
"""How many times as many tasks run, by tasks per delivery."""
JOB_TASKS = 2000
"""Submitted one after the other while the first ones run, as stock Celery's tasks are."""
STOCK = """
from celery import Celery
app = Celery("stock", broker={url!r}, backend={url!r})
@app.task(name="stock.noop")
def noop(number):
    return {{}}
"""


@contextmanager
def spawned(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A process for as long as the block runs."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=os.getcwd())
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def measure_stock(redis: RedisServer, folder: Path, tasks: int) -> float:
    """Tasks per second of stock Celery with its Redis result backend, from the first send to the last result."""
    (folder / "stockapp.py").write_text(STOCK.format(url=redis.url))
    app = Celery("stock", broker=redis.url, backend=redis.url)
    command = [sys.executable, "-m", "celery", "-A", "stockapp", "worker", "-c", str(PROCESSES), "-l", "WARNING"]
    with spawned(command, folder, {"PYTHONPATH": str(folder)}):
        app.signature("stock.noop", args=[0]).apply_async().get(timeout=60)
        began = time.perf_counter()
        group(app.signature("stock.noop", args=[number]) for number in range(tasks)).apply_async().get(timeout=600)
        return tasks / (time.perf_counter() - began)


def measure_engine(redis: RedisServer, folder: Path, tasks: int, per_delivery: int) -> float:
    """Tasks per second of the engine, from the first submission to the end of the last job."""
    environment = {
        "JOBENGINE_DATA_DIR": str(folder / f"data-{per_delivery}"),
        "JOBENGINE_REDIS_URL": redis.url,
        "JOBENGINE_REDIS_PREFIX": f"bench{per_delivery}",
        "JOBENGINE_STEPS": "tests.teststeps",
        "JOBENGINE_TASKS_PER_DELIVERY": str(per_delivery),
        "JOBENGINE_LOG_LEVEL": "WARNING",
    }
    parts = build(read_settings(environment))
    store, clock = parts.outside.store, parts.outside.clock
    stored = [File(parts.outside.ids.new(), OWNER, "f", "", "", 0, "0" * 64, clock()) for _ in range(tasks)]
    with store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "bench", clock())])
        ledger.files.insert(stored)
    worker = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-c", str(PROCESSES), "-l", "WARNING"]
    with (
        spawned([sys.executable, "-m", "jobengine.loops"], folder, environment),
        spawned(worker, folder, environment),
    ):

        def is_done(job_id: str) -> bool:
            with store.read() as ledger:
                return ledger.jobs.fetch([job_id])[job_id].state.is_final

        def is_announced() -> bool:
            with store.read() as ledger:
                return ledger.catalog.find_pipeline(None, "noop") is not None

        wait_until(is_announced, 60)
        warm = parts.engine.submit(JobRequest(OWNER, "noop", tuple(file.id for file in stored[:200])))
        wait_until(lambda: is_done(warm.id), 120)
        began = time.perf_counter()
        jobs = [
            parts.engine.submit(JobRequest(OWNER, "noop", tuple(file.id for file in stored[start : start + JOB_TASKS])))
            for start in range(0, tasks, JOB_TASKS)
        ]
        for job in jobs:
            # Looking takes from the same cores; stock Celery is told, and has nothing to look at.
            wait_until(lambda job=job: is_done(job.id), 600, pause_seconds=0.05)
        return tasks / (time.perf_counter() - began)


def main(tasks: int) -> None:
    """Take turns, and print the middle one of the ratios of the rounds with the lowest and the highest."""
    ratios: dict[int, list[float]] = {per_delivery: [] for per_delivery in _FACTORS}
    for number in range(1, ROUNDS + 1):
        with tempfile.TemporaryDirectory() as name, running_redis(Path(name)) as redis:
            stock = measure_stock(redis, Path(name), tasks)
            sys.stdout.write(f"round {number}: stock Celery, Redis backend {stock:.0f} tasks/s")
            for per_delivery, factor in _FACTORS.items():
                speed = measure_engine(redis, Path(name), tasks * factor, per_delivery)
                ratios[per_delivery].append(speed / stock)
                sys.stdout.write(f"; engine, {per_delivery} per delivery, {speed:.0f} tasks/s")
                sys.stdout.flush()
            sys.stdout.write("\n")
    for per_delivery, found in ratios.items():
        sys.stdout.write(
            f"engine, {per_delivery:3d} per delivery: {median(found):.2f} times stock Celery "
            f"({min(found):.2f} to {max(found):.2f})\n"
        )


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """A Redis of this round."""
    (folder / "redis").mkdir()
    redis = RedisServer(folder / "redis", free_port())
    redis.start()
    try:
        yield redis
    finally:
        redis.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
