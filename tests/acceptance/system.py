"""A running ``jobengine up``, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.servers import free_port

COMMAND = [sys.executable, "-c", "from jobengine.cli import main; main()"]
NUCLEI = Path(__file__).parents[2] / "examples" / "nuclei"


@dataclass(slots=True)
class System:
    """The process, its folder, its port, and what it said until it was ready."""

    process: subprocess.Popen[str]
    data: Path
    port: int
    output: list[str]

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The administrator's key."""
        return (self.data / "admin.key").read_text().strip()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command against it."""
        environment = {**os.environ, "JOBENGINE_URL": self.url, "JOBENGINE_API_KEY": self.key}
        return subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, check=False)

    def children(self) -> list[psutil.Process]:
        """Everything that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def running_system(data: Path, *, has_flower: bool = False, **variables: str) -> Iterator[System]:
    """``jobengine up`` with one worker process, ready; stopped at the end."""
    port = free_port()
    words = ["up", "--port", str(port), "--data", str(data), "--workers", "1", *([] if has_flower else ["--no-flower"])]
    environment = {**os.environ, **variables}
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True, env=environment)
    system = System(process, data, port, [])
    try:
        assert process.stdout is not None
        for line in process.stdout:
            system.output.append(line.strip())
            if line.startswith("ready:"):
                break
        yield system
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)
