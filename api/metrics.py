"""``/metrics`` for Prometheus: what there is to do, and who does it; read from the ledger when asked."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.parts import parts
from jobengine.queries.system import Load, Work


def install(app: Flask) -> None:
    """Add the route. It has numbers of the whole system and no names, and needs no key, as probes have none."""
    app.add_url_rule("/metrics", "metrics", _metrics)


def _metrics() -> Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_LoadCollector(parts().queries.system.load()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _LoadCollector(Collector):
    """One look at the system as metrics."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def collect(self) -> Iterator[GaugeMetricFamily]:
        load = self._load
        if load.work is not None:
            yield from _work(load.work)
        if load.report_backlog is not None and load.report_backlog_seconds is not None:
            yield GaugeMetricFamily(
                "jobengine_report_backlog", "Report entries that no engine has recorded yet.", value=load.report_backlog
            )
            yield GaugeMetricFamily(
                "jobengine_report_backlog_seconds", "Age of the oldest of them.", value=load.report_backlog_seconds
            )
        for name, state in load.health.items():
            yield GaugeMetricFamily(f"jobengine_{name}_up", f"Whether the {name} answers.", value=state == "ok")


def _work(work: Work) -> Iterator[GaugeMetricFamily]:
    yield _by("jobengine_jobs", "Jobs in the ledger by state.", "state", work.jobs)
    yield _by("jobengine_tasks_enqueued", "Tasks sent to workers and not begun, by queue.", "queue", work.enqueued)
    yield _by("jobengine_worker_slots", "Tasks that live workers can run at a time, by queue.", "queue", work.slots)
    yield GaugeMetricFamily(
        "jobengine_tasks_in_flight", "Tasks sent to workers and not ended.", value=work.tasks_in_flight
    )
    yield GaugeMetricFamily("jobengine_workers", "Workers heard from in the last 30 s.", value=work.workers)


def _by(name: str, description: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, description, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
