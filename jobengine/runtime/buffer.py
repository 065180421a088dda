"""Reports on their way out: several in one entry, none later than a moment."""

from __future__ import annotations

import threading

from jobengine.domain.interfaces import WorkerChannel
from jobengine.domain.reports import Report

_MOST = 200
_LATEST_SECONDS = 0.1


class ReportBuffer:
    """Collects reports and appends them together, within a tenth of a second or when there are many.

    So a delivery of many short tasks costs a few writes, and a long task is seen to run at once. Used as a context: at
    the end everything is written. One thread per buffer looks after it, from the first delivery on.
    """

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._reports: list[Report] = []
        self._has_reports = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ReportBuffer:
        if self._thread is None:
            self._thread = threading.Thread(target=self._look_after, name="reports", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()

    def add(self, report: Report) -> None:
        """Take a report; it is written soon."""
        with self._lock:
            self._reports.append(report)
            is_full = len(self._reports) >= _MOST
        self._has_reports.set()
        if is_full:
            self.flush()

    def flush(self) -> None:
        """Write what is there; raises EngineError(UNAVAILABLE) when that cannot be done."""
        with self._lock:
            self._has_reports.clear()
            if self._reports:
                self._channel.report(self._reports)
                self._reports = []

    def _look_after(self) -> None:
        pause = threading.Event()
        while True:
            self._has_reports.wait()
            pause.wait(_LATEST_SECONDS)
            self.flush()
