"""Stock Celery under the same kills, for comparison: ``python -m tests.faults.chaos.stock [SECONDS] [SEED]``.

Tasks of 0.3 s are sent for the given time while the two workers, their children and Redis are killed, frozen or told to
stop as in the chaos runs: the kinds, their weights and the pauses are those of ``kills.py``, but for the processes that
stock Celery does not have. Prints how many of those sent were ever done, a minute after the last kill.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from celery import Celery

from tests.faults.chaos.kills import WEIGHTS, Killer
from tests.faults.chaos.system import ChaosSystem, Managed
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
_SEND_SECONDS = 0.1
KINDS = {kind: weight for kind, weight in WEIGHTS.items() if kind.startswith(("worker", "redis"))}


def measure(name: str, settings: str, seconds: float, seed: int) -> str:
    """One configuration's line."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis", free_port())
        redis.start()
        stack.callback(redis.kill)
        log = folder / "done"
        log.touch()
        (folder / "stockapp.py").write_text(_APPLICATION.format(url=redis.url, settings=settings, log=str(log)))
        system = ChaosSystem(folder, "", dict(os.environ), redis, None, _workers(folder))
        stack.callback(system.stop)
        system.start()
        killer = Killer(system, seed, weights=KINDS)
        killer.start()
        sent = _send(redis.url, seconds)
        killer.stop()
        time.sleep(_REST_SECONDS)
        done = [int(line) for line in log.read_text().split()]
    lost, repeated = sent - len(set(done)), len(done) - len(set(done))
    kills = sum(killer.counts.values())
    return f"{name}: {kills} kills, {sent} sent, {len(set(done))} done, {lost} not done, {repeated} done again\n"


def _workers(folder: Path) -> list[Managed]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "celery", "-A", "stockapp", "worker", "-c", "2", "-l", "WARNING"]
    names = ("worker1", "worker2")
    return [Managed(name, [*command, "-n", f"{name}@%h"], environment, folder / f"{name}.log") for name in names]


def _send(url: str, seconds: float) -> int:
    """Send numbered tasks; how many the broker took."""
    app = Celery("stock", broker=url)
    app.conf.broker_transport_options = {"socket_timeout": 5}
    sent, ends_at = 0, time.monotonic() + seconds
    while time.monotonic() < ends_at:
        with suppress(Exception):
            app.send_task("stock.work", args=[sent], retry=False)
            sent += 1
        time.sleep(_SEND_SECONDS)
    return sent


def main(seconds: float, seed: int) -> None:
    """Print all configurations."""
    for name, settings in _SETTINGS.items():
        sys.stdout.write(measure(name, settings, seconds, seed))
        sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
