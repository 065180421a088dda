"""supervisord and all that it runs, from start to stop; kept running for as long as nobody says stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from jobengine.cli.embedded import TIED
from jobengine.cli.folder import running_lock, wait_for_leftovers

_STOP_SECONDS = 90.0
_STEADY_SECONDS = 10.0
_EARLY_DEATHS = 3
"""A supervisord that dies so often in a row, each time sooner than _STEADY_SECONDS after its start, cannot run."""


@dataclass(slots=True)
class StopRequest:
    """Whether this process was told to stop: by Ctrl-C, by SIGTERM, or by its terminal going away."""

    is_made: bool = False

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.is_made:
            # Said at once, whatever is going on; the terminal may be gone by now.
            with suppress(OSError):
                os.write(1, b"stopping ...\n")
        self.is_made = True


@dataclass(slots=True)
class System:
    """One supervisord at a time, on one data folder."""

    data: Path
    configuration: Path
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _early_deaths: int = field(default=0, init=False)

    def start(self) -> None:
        """Start supervisord, which starts the rest."""
        # Told to stop in order when this process is killed; in a session of its own, so that Ctrl-C at the
        # terminal reaches this process alone.
        tie = [sys.executable, "-I", "-S", str(TIED), "SIGTERM", str(os.getpid()), str(running_lock(self.data))]
        supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.configuration)]
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            [*tie, *supervisord], start_new_session=True, cwd=self.data, env=self.environment, stdin=subprocess.DEVNULL
        )
        self._started_at = time.monotonic()

    def keep(self) -> bool:
        """Start supervisord again if it died; False when there is no use in it."""
        if self._process is None or self._process.poll() is None:
            return True
        is_early = time.monotonic() - self._started_at < _STEADY_SECONDS
        self._early_deaths = self._early_deaths + 1 if is_early else 0
        if self._early_deaths == _EARLY_DEATHS:
            return False
        wait_for_leftovers(self.data)
        self.start()
        return True

    def stop(self) -> int:
        """Stop everything that was started, in order; 0 when all of it ended by itself."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # What it started goes with it.
            process.kill()
            process.wait()
            code = 1
        wait_for_leftovers(self.data)
        return code
