"""Stock Celery under the same kills, for comparison: ``python -m tests.faults.chaos.stock [SECONDS]``.

Tasks of 0.3 s are sent for the given time while the worker, its children and Redis are killed as in the chaos runs.
Prints how many of those sent were ever done, a minute after the last kill.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from celery import Celery

from tests.faults.chaos.system import Managed
from tests.servers import RedisServer, free_port

_SETTINGS = {
    "defaults": "",
    "acks_late, reject_on_worker_lost": "app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)",
}
_APPLICATION = """
import os, time
from celery import Celery
app = Celery("stock", broker={url!r}, broker_connection_retry_on_startup=True)
{settings}
@app.task(name="stock.work")
def work(number):
    time.sleep(0.3)
    log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, f"{{number}}\\n".encode())
    os.close(log)
"""
_REST_SECONDS = 60.0
_KILL_SECONDS = 6.0


def measure(name: str, settings: str, seconds: float) -> str:
    """One configuration's line."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis", free_port())
        redis.start()
        log = folder / "done"
        log.touch()
        (folder / "stockapp.py").write_text(_APPLICATION.format(url=redis.url, settings=settings, log=str(log)))
        command = [sys.executable, "-m", "celery", "-A", "stockapp", "worker", "-c", "4", "-l", "WARNING"]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        worker = Managed("worker", command, environment, folder / "worker.log")
        try:
            sent = _send_and_kill(redis, worker, seconds)
            done = [int(line) for line in log.read_text().split()]
        finally:
            if worker.process is not None:
                worker.process.kill()
                worker.process.wait()
            redis.kill()
    lost, repeated = sent - len(set(done)), len(done) - len(set(done))
    return f"{name}: {sent} sent, {len(set(done))} done, {lost} not done, {repeated} done again\n"


def _send_and_kill(redis: RedisServer, worker: Managed, seconds: float) -> int:
    app = Celery("stock", broker=redis.url)
    chance = random.Random(1)
    sent, ends_at, kills_at = 0, time.monotonic() + seconds, time.monotonic() + _KILL_SECONDS
    while time.monotonic() < ends_at + _REST_SECONDS:
        worker.keep()
        if time.monotonic() < ends_at:
            with suppress(Exception):
                app.send_task("stock.work", args=[sent], retry=False)
                sent += 1
            if time.monotonic() > kills_at:
                kills_at += _KILL_SECONDS
                _kill(chance, redis, worker)
        time.sleep(0.1)
    return sent


def _kill(chance: random.Random, redis: RedisServer, worker: Managed) -> None:
    target = chance.choice(("worker", "child", "child", "redis"))
    if target == "redis":
        redis.kill()
        redis.start()
    elif target == "worker" and worker.process is not None:
        for process in [*psutil.Process(worker.process.pid).children(), psutil.Process(worker.process.pid)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    elif children := worker.children():
        children[0].kill()


def main(seconds: float) -> None:
    """Print all configurations."""
    for name, settings in _SETTINGS.items():
        sys.stdout.write(measure(name, settings, seconds))
        sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
