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


class LogCapture(logging.Handler):
    """Copies what libraries log into the log of the task that runs.

    Used as a context around a number of tasks; ``into`` is used for each.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._task_log: TaskLog | None = None
        self.setFormatter(_FORMATTER)

    def __enter__(self) -> LogCapture:
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self)

    @contextmanager
    def into(self, task_log: TaskLog) -> Iterator[None]:
        """Copy what is logged in the block into the task's log."""
        # A step may have set logging up anew.
        if self not in logging.getLogger().handlers:
            logging.getLogger().addHandler(self)
        self._task_log = task_log
        try:
            yield
        finally:
            self._task_log = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a record."""
        # What the engine and its broker say of themselves is not the step's.
        if self._task_log is None or record.name.startswith(("jobengine", "celery", "kombu")):
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a message that does not fit its arguments is said elsewhere, and ends no step
            self.handleError(record)
        else:
            self._task_log.write(text)
