"""Whether a process of ours lives: it touches a file, and ``python -m jobengine.alive worker`` looks at its age.

For the probes of containers. It asks nothing outside the machine: a worker that waits for Redis lives, and so do the
steps that it runs; to restart it would kill them.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from jobengine.config import Settings, read_settings

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
"""How often a process that lives touches its file."""

STALE_SECONDS = 60.0
"""A file older than this was left by a process that hangs."""

KINDS = ("engine", "worker")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The file of one process; each container has a data folder, and one process, of its own."""

    path: Path

    def beat(self) -> None:
        """Say that the process lives; where the file cannot be written, the log says so and work goes on."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            log.warning("the heartbeat cannot be written: %s", error)

    def is_fresh(self, now: float) -> bool:
        """Whether it was touched lately."""
        try:
            return now - self.path.stat().st_mtime < STALE_SECONDS
        except OSError:
            return False


def start_beating(heartbeat: Heartbeat) -> None:
    """Touch the file from a thread of its own for as long as this process runs."""

    def beat() -> None:
        while True:
            heartbeat.beat()
            time.sleep(BEAT_SECONDS)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()


def heartbeat_of(settings: Settings, kind: str) -> Heartbeat:
    """That of the engine or of a worker that runs with these settings."""
    return Heartbeat(settings.data_path / f"{kind}.alive")


def main(arguments: list[str]) -> int:
    """Exit code 0 when the process lives, 1 when not."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        sys.stderr.write(f"Say which: {' or '.join(KINDS)}.\n")
        return 2
    heartbeat = heartbeat_of(read_settings(), arguments[0])
    if heartbeat.is_fresh(time.time()):
        return 0
    sys.stderr.write(f"{heartbeat.path} was not touched for {STALE_SECONDS:.0f} seconds.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
