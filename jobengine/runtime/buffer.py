"""Reports on their way out: several in one entry, none later than a moment.

Rules:
1. Who has something to say never waits for Redis: one thread writes, all others only hand over.
2. What was handed over is kept, in order, until it is written, however long that takes. Of the progress of an attempt
   only the newest is kept, so an outage fills no memory.
3. A report that cannot be written by itself costs no other; its task is reported as crashed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.transport import WorkerChannel
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import FailureKind

log = logging.getLogger(__name__)

_MOST = 200
_LATEST_SECONDS = 0.1
_URGENT_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0

_Place = list[Report]
"""Where one report waits; a newer progress takes the place of an older one."""


_Arriving = TypeVar("_Arriving", "_Place", "_Gate")


class _Gate:
    """Opened when everything that was handed over before it is written."""

    def __init__(self) -> None:
        # A bare lock, as it is safe to be interrupted in by the alarm of a time limit.
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        self._lock.release()

    def wait(self, seconds: float = -1) -> None:
        self._lock.acquire(timeout=seconds)


class ReportBuffer:
    """Collects reports and appends them together, within a tenth of a second or when there are many.

    So a delivery of many short tasks costs a few writes, and a long task is seen to run at once. Used as a context: at
    the end everything is written.
    """

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel
        self._arrived: SimpleQueue[_Place | _Gate] = SimpleQueue()
        # Released to say that what has arrived shall be written now.
        self._hurry = threading.Lock()
        self._hurry.acquire()
        self._lock = threading.Lock()
        self._progress: _Place | None = None
        self._is_stuck = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ReportBuffer:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._write_all, name="reports", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()

    def add(self, report: Report) -> None:
        """Take a report; it is written soon."""
        if report.kind is not ReportKind.PROGRESSED:
            self._hand_over([report])
            return
        with self._lock:
            place = self._progress
            if place is not None and (place[0].task_id, place[0].attempt) == (report.task_id, report.attempt):
                place[0] = report
                return
            self._progress = place = [report]
        self._hand_over(place)

    def add_urgent(self, report: Report) -> None:
        """Take a report that shall be out before its step goes on; while Redis is away nobody waits for that."""
        self.add(report)
        gate = self._hand_over(_Gate())
        if not self._is_stuck:
            gate.wait(_URGENT_SECONDS)

    def flush(self) -> None:
        """Wait until everything is written."""
        self._hand_over(_Gate()).wait()

    def _hand_over(self, arriving: _Arriving) -> _Arriving:
        self._arrived.put(arriving)
        if isinstance(arriving, _Gate) or self._arrived.qsize() >= _MOST:
            with suppress(RuntimeError):
                self._hurry.release()
        return arriving

    def _write_all(self) -> None:
        while True:
            reports, gate = self._gather()
            self._write(reports)
            if gate is not None:
                gate.open()

    def _gather(self) -> tuple[list[Report], _Gate | None]:
        """What arrives within a moment, up to the first gate."""
        arrived = self._arrived.get()
        until = time.monotonic() + _LATEST_SECONDS
        reports: list[Report] = []
        while not isinstance(arrived, _Gate):
            reports.append(self._taken(arrived))
            following = self._next(until) if len(reports) < _MOST else None
            if following is None:
                return reports, None
            arrived = following
        return reports, arrived

    def _next(self, until: float) -> _Place | _Gate | None:
        """What arrived next; None when nothing has until then.

        The thread sleeps until it is time or there is a hurry. Woken for each report, it would take the interpreter
        from the step as often.
        """
        while True:
            with suppress(Empty):
                return self._arrived.get_nowait()
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._hurry.acquire(timeout=left)

    def _taken(self, place: _Place) -> Report:
        with self._lock:
            if self._progress is place:
                self._progress = None
            return place[0]

    def _write(self, reports: Sequence[Report]) -> None:
        pause = 0.05
        while reports:
            try:
                self._channel.report(reports)
                reports = ()
            except EngineError as error:
                log.warning("%d reports are kept: %s", len(reports), error)
                self._is_stuck = True
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause)
            except Exception:
                log.exception("%d reports cannot be written together", len(reports))
                reports = self._write_singly(reports)
        self._is_stuck = False

    def _write_singly(self, reports: Sequence[Report]) -> Sequence[Report]:
        """Write one after the other; those that are left when Redis is away."""
        for index, report in enumerate(reports):
            try:
                self._channel.report([report])
            except EngineError:
                return reports[index:]
            except Exception as error:
                log.exception("a report of the kind %s cannot be written", report.kind.value)
                if report.kind in (ReportKind.SUCCEEDED, ReportKind.FAILED):
                    return [_crashed(report, error), *reports[index + 1 :]]
        return ()


def _crashed(report: Report, error: Exception) -> Report:
    body = {"kind": FailureKind.CRASH.value, "message": f"What the step reported cannot be written: {error}."[:2000]}
    return Report(ReportKind.FAILED, report.worker, report.at, report.delivery_id, report.task_id, report.attempt, body)
