"""Writing what workers announce into the catalog: workers, steps, built-in pipelines."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from jobengine.domain.announcements import Announcement, PipelineSpec, decode_announcement
from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import check_nodes
from jobengine.domain.records import StepSpec, WorkerRecord
from jobengine.domain.reports import Report
from jobengine.verbs.builtin import builtin_pipeline
from jobengine.verbs.plans import Plans

log = logging.getLogger(__name__)


def record_announcements(ledger: Ledger, plans: Plans, reports: Sequence[Report], now: float) -> None:
    """Write the announcements among these reports; one that cannot be read is logged and passed over."""
    announced = []
    for report in reports:
        try:
            announcement = decode_announcement(report.body)
        except ValueError as error:
            log.error("the announcement of the worker %s cannot be read: %s", report.worker, error)
            continue
        announced.append((report, announcement))
    ledger.catalog.put_workers([_worker(report, announcement, now) for report, announcement in announced])
    for _, announcement in announced:
        _put_steps(ledger, announcement.steps, now)
        for spec in announcement.pipelines:
            _put_pipeline(ledger, spec, now)
    plans.forget_steps()


def _worker(report: Report, announcement: Announcement, now: float) -> WorkerRecord:
    return WorkerRecord(
        id=report.worker,
        hostname=announcement.hostname,
        slots=announcement.slots,
        queues=announcement.queues,
        steps=tuple(sorted(step.name for step in announcement.steps)),
        hardware=announcement.hardware,
        announced_at=now,
        last_seen_at=now,
    )


def _put_steps(ledger: Ledger, specs: Sequence[StepSpec], now: float) -> None:
    known = ledger.catalog.steps()
    accepted = []
    for spec in specs:
        before = known.get(spec.name)
        if before is not None and before.scope is not spec.scope:
            # Tasks of running jobs were planned by the old scope; under another one they would never join up.
            log.error(
                "the step %s changed from per %s to per %s; give it a new name", spec.name, before.scope, spec.scope
            )
        else:
            accepted.append(spec)
    ledger.catalog.put_steps(accepted, now)


def _put_pipeline(ledger: Ledger, spec: PipelineSpec, now: float) -> None:
    known = ledger.catalog.find_pipeline(None, spec.name, spec.version)
    if known is not None:
        if known.nodes != spec.nodes:
            log.error("the pipeline %s@%d is published and cannot change; raise its version", spec.name, spec.version)
        return
    try:
        check_nodes(spec.nodes, ledger.catalog.steps())
    except EngineError as error:
        log.error("the pipeline %s@%d is refused: %s", spec.name, spec.version, error)
        return
    pipeline = builtin_pipeline(spec.name, spec.version, spec.title, spec.description, spec.nodes, now)
    ledger.catalog.put_pipelines([pipeline])
