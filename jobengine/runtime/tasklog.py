"""The log of a task: what the step writes and what libraries log while it runs, up to a size."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOG_LIMIT_CHARACTERS = 256 * 1024
_FORMATTER = logging.Formatter("%(levelname)s %(name)s: %(message)s")
_CUT = "[The log is full; the rest is left out.]"


class TaskLog:
    """Passes lines on until there are too many."""

    def __init__(self, send: Callable[[str], None], limit_characters: int = LOG_LIMIT_CHARACTERS) -> None:
        self._send = send
        self._left = limit_characters

    def write(self, text: str) -> None:
        """Add a line, or what still fits of it."""
        if self._left <= 0:
            return
        kept = text[: self._left]
        self._left -= len(kept) + 1
        self._send(kept if self._left > 0 else f"{kept}\n{_CUT}")


class _Handler(logging.Handler):
    def __init__(self, task_log: TaskLog) -> None:
        super().__init__(logging.INFO)
        self._task_log = task_log
        self.setFormatter(_FORMATTER)

    def emit(self, record: logging.LogRecord) -> None:
        # What the engine and its broker say of themselves is not the step's.
        if not record.name.startswith(("jobengine", "celery", "kombu")):
            self._task_log.write(self.format(record))


@contextmanager
def captured_logging(task_log: TaskLog) -> Iterator[None]:
    """Copy what is logged in the block into the task's log."""
    handler = _Handler(task_log)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
