"""One loop: a verb, again and again, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from jobengine.domain.errors import EngineError, ErrorCode

log = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.1


class Loop(threading.Thread):
    """Runs ``verb`` at once again while it finds work, and after ``idle_seconds`` when there was none.

    An error stops nothing: it is logged, and the next round comes after a pause that doubles up to two seconds.
    """

    def __init__(self, name: str, verb: Callable[[], int], idle_seconds: float, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._verb = verb
        self._idle_seconds = idle_seconds
        self._stop_event = stop
        self._pause = 0.0
        self._began_at = time.monotonic()

    def run(self) -> None:
        """Go round until the stop event is set; the round under way is finished."""
        while not self._stop_event.is_set():
            pause = self.step()
            if pause:
                self._stop_event.wait(pause)

    def is_stuck(self, seconds: float) -> bool:
        """Whether no round has begun for so long, be it that one does not end or that the thread is gone."""
        return time.monotonic() - self._began_at > seconds

    def step(self) -> float:
        """One round; how long to pause after it, in seconds."""
        self._began_at = time.monotonic()
        try:
            found = self._verb()
        except EngineError as error:
            self._grow_pause()
            if error.code is ErrorCode.UNAVAILABLE:
                log.warning("the %s waits: %s", self.name, error)
            else:
                log.exception("the %s was refused something", self.name)
            return self._pause
        except Exception:
            self._grow_pause()
            log.exception("a round of the %s broke", self.name)
            return self._pause
        self._pause = 0.0
        return 0.0 if found else self._idle_seconds

    def _grow_pause(self) -> None:
        self._pause = min(_LONGEST_PAUSE_SECONDS, max(_FIRST_PAUSE_SECONDS, 2 * self._pause))
