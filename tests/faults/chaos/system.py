"""The real system under chaos: every process is started again when it dies, as a process manager would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.chaos.background import Background
from tests.postgresql_server import PostgresqlServer, running_postgresql
from tests.servers import RedisServer, free_port

ROOT = Path(__file__).parents[3]
_RESTART_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0


@dataclass(slots=True)
class Managed:
    """One process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    release: Path = ROOT
    """Where its program is."""
    process: subprocess.Popen[bytes] | None = None
    died_at: float | None = None

    def keep(self) -> None:
        """Start it if it does not run, a moment after it died."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.died_at is None:
            self.died_at = time.monotonic()
        if self.process is not None and time.monotonic() - self.died_at < _RESTART_SECONDS:
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.release, stdout=log, stderr=log
            )
        self.died_at = None

    def children(self) -> list[psutil.Process]:
        """Its child processes."""
        if self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []


@dataclass(slots=True)
class ChaosSystem:
    """All processes, and the thread that keeps them running."""

    folder: Path
    url: str
    environment: dict[str, str]
    redis: RedisServer
    postgresql: PostgresqlServer | None
    managed: list[Managed]
    lock: threading.Lock = field(default_factory=threading.Lock)
    _background: Background = field(init=False)

    def __post_init__(self) -> None:
        self._background = Background(self._keep)

    @property
    def executions(self) -> Path:
        """Where the steps write down that they ran."""
        return Path(self.environment["CHAOS_EXECUTIONS"])

    def named(self, prefix: str) -> list[Managed]:
        """The processes of one kind that run."""
        found = [process for process in self.managed if process.name.startswith(prefix)]
        return [entry for entry in found if entry.process is not None and entry.process.poll() is None]

    def start(self) -> None:
        """Begin to keep everything running."""
        self._background.start()

    def stop(self) -> None:
        """End everything that was started."""
        try:
            self._background.stop()
        finally:
            for managed in self.managed:
                if managed.process is not None and managed.process.poll() is None:
                    managed.process.kill()
                    managed.process.wait()

    def memory_bytes(self) -> dict[str, int]:
        """What each process holds, its children included, by name."""
        held = {}
        for managed in self.managed:
            if managed.process is not None and managed.process.poll() is None:
                with suppress(psutil.Error):
                    family = [psutil.Process(managed.process.pid), *managed.children()]
                    held[managed.name] = sum(process.memory_info().rss for process in family)
        return held

    def _keep(self) -> None:
        while not self._background.pause(0.1):
            with self.lock:
                for managed in self.managed:
                    managed.keep()


@contextmanager
def running_chaos_system(folder: Path, ledger: str) -> Iterator[ChaosSystem]:
    """The system on a SQLite or PostgreSQL ledger (``ledger`` says which), in the folder."""
    with ExitStack() as stack:
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis", free_port())
        redis.start()
        stack.callback(redis.kill)
        postgresql = stack.enter_context(running_postgresql()) if ledger == "postgresql" else None
        port = free_port()
        environment = {
            **os.environ,
            "JOBENGINE_DATA_DIR": str(folder / "data"),
            "JOBENGINE_REDIS_URL": redis.url,
            "JOBENGINE_STEPS": "tests.faults.chaos.steps",
            "JOBENGINE_SECRET_KEY": "a secret of this run alone",
            "CHAOS_EXECUTIONS": str(folder / "executions"),
        }
        if postgresql is not None:
            environment["JOBENGINE_LEDGER_URL"] = postgresql.create_database("chaos")
        (folder / "executions").touch()
        managed = _processes(folder, environment, port, engines=1 if postgresql is None else 2)
        system = ChaosSystem(folder, f"http://127.0.0.1:{port}", environment, redis, postgresql, managed)
        stack.callback(system.stop)
        yield system


def _processes(folder: Path, environment: dict[str, str], port: int, engines: int) -> list[Managed]:
    python = [sys.executable, "-m"]
    gunicorn = [*python, "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "8", "--graceful-timeout", "5"]
    celery = [*python, "celery", "-A", "workers.app", "worker", "-c", "2", "-l", "INFO", "--without-mingle"]
    commands = {"web": [*gunicorn, "api.wsgi:create()"]}
    commands |= {f"engine{number}": [*python, "jobengine.loops"] for number in range(1, engines + 1)}
    commands |= {f"worker{number}": [*celery, "-n", f"worker{number}@%h"] for number in (1, 2)}
    return [Managed(name, command, environment, folder / f"{name}.log") for name, command in commands.items()]


def end_redis(redis: RedisServer, number: signal.Signals, *, delete_data: bool) -> None:
    """End Redis by the signal, delete what it has on disk if asked to, and start it again."""
    if redis.process is not None:
        redis.process.send_signal(number)
        redis.process.wait(30)
    redis.kill(delete_data=delete_data)
    time.sleep(_RESTART_SECONDS)
    redis.start()


def end_postgresql(server: PostgresqlServer, number: signal.Signals) -> None:
    """End PostgreSQL and start it again.

    SIGKILL takes its first process and all others of it, and it recovers from its log. SIGTERM lets no client in and
    waits for those that are there; whoever stops servers loses patience after a while and sends SIGINT, which does not
    wait.
    """
    family = server.processes()
    if number is signal.SIGKILL:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    else:
        family[0].send_signal(number)
        psutil.wait_procs(family[:1], timeout=_PATIENCE_SECONDS)
        with suppress(psutil.NoSuchProcess):
            family[0].send_signal(signal.SIGINT)
    psutil.wait_procs(family, timeout=10)
    time.sleep(_RESTART_SECONDS)
    server.start()
