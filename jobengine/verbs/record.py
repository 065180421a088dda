"""Recording: what workers report goes into the ledger, many reports in one transaction.

Rules:
1. Reports are acknowledged after the commit and never before. What could not be written is kept and tried again, what
   could not be acknowledged is kept and not written again. Where an engine dies in between, another one gets the entry,
   and the guards refuse it; only lines of a log may be there twice then.
2. A report that breaks the writing of its batch is found by writing the entries one by one. Its tasks fail as
   ``system`` (they are tried again), and the others are not held up by it, nor by an entry of which not even that can
   be written.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.transport import Received
from jobengine.domain.pace import Pace
from jobengine.domain.records import Task
from jobengine.domain.reports import OF_DELIVERIES, Report, ReportKind
from jobengine.domain.states import FailureKind
from jobengine.verbs.announced import record_announcements
from jobengine.verbs.applying import Application
from jobengine.verbs.cancellation import tell_workers
from jobengine.verbs.movement import move_tasks
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

log = logging.getLogger(__name__)


class Recorder:
    """Keeps what was received until it is in the ledger, and what is there until it is acknowledged."""

    def __init__(self, outside: Outside, plans: Plans, pace: Pace) -> None:
        self._outside = outside
        self._plans = plans
        self._pace = pace
        self._pending: list[Received] = []
        self._written: list[str] = []

    def record(self, wait_seconds: float) -> int:
        """Take in up to one batch of entries; how many there were."""
        if not self._pending and not self._written:
            batch = self._outside.settings.record_batch
            self._pending = self._outside.transport.receive(batch, wait_seconds)
        if self._pending:
            self._write_pending()
        count = len(self._written)
        if count:
            self._outside.transport.acknowledge(self._written)
            self._written = []
        return count

    def _write_pending(self) -> None:
        try:
            self._write([report for entry in self._pending for report in entry.reports])
        except Exception as error:
            if _is_unavailable(error):
                raise
            log.exception("a batch of %d report entries cannot be written; trying one by one", len(self._pending))
            self._write_one_by_one()
        else:
            self._written += [entry.entry_id for entry in self._pending]
            self._pending = []

    def _write_one_by_one(self) -> None:
        while self._pending:
            entry = self._pending[0]
            failures = [_as_failure(report) for report in entry.reports if report.task_id is not None]
            if not (self._can_write(entry.entry_id, entry.reports) or self._can_write(entry.entry_id, failures)):
                log.error("the report entry %s is dropped; the leases of its tasks lapse", entry.entry_id)
            self._written.append(entry.entry_id)
            del self._pending[0]

    def _can_write(self, entry_id: str, reports: Sequence[Report]) -> bool:
        """Write the reports of an entry; False when they cannot be, however often it is tried."""
        try:
            self._write(reports)
        except Exception as error:
            if _is_unavailable(error):
                raise
            log.exception("the report entry %s cannot be written", entry_id)
            return False
        return True

    def _write(self, reports: Sequence[Report]) -> None:
        now = self._outside.clock()
        self._record_announcements(reports, now)
        with self._outside.store.begin() as ledger:
            tasks = _read_tasks(ledger, reports)
            steps = self._plans.steps(ledger, {task.step for task in tasks})
            system_failures = _count_system_failures(ledger, reports)
            application = Application(self._outside, self._pace, steps, tasks, system_failures, now)
            for report in reports:
                if report.kind is not ReportKind.ANNOUNCED:
                    application.apply(report)
            moved = {change.after.id for change in move_tasks(ledger, self._plans, application.changes(), now)}
            _write_left(ledger, application, moved)
            # Last, as the engines share these rows: who holds them for long holds up the others.
            ledger.catalog.touch_workers(dict.fromkeys((report.worker for report in reports), now))
        if application.refused:
            log.info("%d of %d reports were refused as late, repeated or foreign", application.refused, len(reports))
        tell_workers(self._outside, sorted(application.unwanted))

    def _record_announcements(self, reports: Sequence[Report], now: float) -> None:
        """Write them by themselves: they concern rows that all engines share, and no task."""
        announced = [report for report in reports if report.kind is ReportKind.ANNOUNCED]
        if announced:
            with self._outside.store.begin() as ledger:
                record_announcements(ledger, self._plans, announced, now)


def _read_tasks(ledger: Ledger, reports: Sequence[Report]) -> list[Task]:
    task_ids = {report.task_id for report in reports if report.task_id is not None}
    of_deliveries = [report for report in reports if report.task_id is None or report.kind in OF_DELIVERIES]
    delivery_ids = {report.delivery_id for report in of_deliveries if report.delivery_id is not None}
    return ledger.tasks.of_reports(task_ids, delivery_ids)


def _count_system_failures(ledger: Ledger, reports: Sequence[Report]) -> dict[str, int]:
    """How often each task whose report says that we failed it has ended so before."""
    failed = {
        report.task_id
        for report in reports
        if report.kind is ReportKind.FAILED and report.task_id and report.body.get("kind") == FailureKind.SYSTEM.value
    }
    ended = ledger.results.attempts(failed) if failed else []
    return Counter(attempt.task_id for attempt in ended if attempt.failure_kind is FailureKind.SYSTEM)


def _write_left(ledger: Ledger, application: Application, moved: set[str]) -> None:
    left = application.left
    results = [result for result in left.results if result.task_id in moved]
    artifacts = [artifact for artifact in left.artifacts if artifact.task_id in moved]
    attempts = [attempt for attempt in left.attempts if attempt.task_id in moved]
    if results:
        ledger.results.insert(results, artifacts)
    if attempts:
        ledger.results.insert_attempts(attempts)
    if left.logs:
        ledger.results.insert_logs(left.logs)


def _as_failure(report: Report) -> Report:
    body = {"kind": "system", "message": "What the worker reported could not be written; see the engine's log."}
    return Report(ReportKind.FAILED, report.worker, report.at, report.delivery_id, report.task_id, report.attempt, body)


def _is_unavailable(error: Exception) -> bool:
    return isinstance(error, EngineError) and error.code is ErrorCode.UNAVAILABLE
