"""The soft time limit of a step: an alarm that raises in it. The hard one is kept by the worker's parent."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from jobengine.runtime.outcomes import TimeLimitReached


class Alarm:
    """Raises TimeLimitReached in a block that lasts too long; only where signals arrive, in the main thread.

    Used as a context around a number of tasks, as it takes longer to begin to listen for a signal than a short task
    runs; ``after`` is used for each. A step that takes the signal for itself has only the hard limit from then to the
    end of its delivery, and so have the tasks that follow in it.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._is_listening = False

    def __enter__(self) -> Alarm:
        self._is_listening = threading.current_thread() is threading.main_thread()
        if self._is_listening:
            self._before = signal.signal(signal.SIGALRM, _ring)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_listening:
            signal.signal(signal.SIGALRM, self._before)
            self._is_listening = False

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Raise TimeLimitReached in the block when it lasts longer."""
        if not self._is_listening:
            yield
            return
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    raise TimeLimitReached
