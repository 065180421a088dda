"""Reports on their way out: several in one entry, none later than a moment."""

from __future__ import annotations

import threading

from jobengine.domain.interfaces import WorkerChannel
from jobengine.domain.reports import Report

_MOST = 100
_LATEST_SECONDS = 0.1


class ReportBuffer:
    """Collects reports and appends them together, after a tenth of a second or a hundred reports.

    So a delivery of many short tasks costs a few writes, and a long task is seen to run at once. Used as a context:
    at the end everything is written.
    """

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._reports: list[Report] = []
        self._timer: threading.Timer | None = None

    def __enter__(self) -> ReportBuffer:
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()

    def add(self, report: Report) -> None:
        """Take a report; it is written soon."""
        with self._lock:
            self._reports.append(report)
            if len(self._reports) < _MOST:
                self._start_timer()
                return
        self.flush()

    def flush(self) -> None:
        """Write what is there; raises EngineError(UNAVAILABLE) when that cannot be done."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._reports:
                self._channel.report(self._reports)
                self._reports = []

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(_LATEST_SECONDS, self.flush)
            self._timer.daemon = True
            self._timer.start()
