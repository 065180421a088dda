"""The soak: very many tasks through one system, and what its processes hold.

``python -m tests.faults.chaos.soak TASKS`` has jobs submitted and read over HTTP: most do nothing a thousand times,
one in ten has results with artifacts, tasks that fail, or tasks that are tried again. It samples the resident memory of
every process (a worker with its children) and what Redis holds once a second, and prints the mean of the first and of
the last quarter of the samples. The warm-up, which is work and not time, is over before the first sample, so that a
short run is judged as a long one is. It exits with 1 unless the tasks ended as was asked, every process was there from
the first sample to the last, none grew by more than a tenth, nor Redis by more than a little, and the audit finds
nothing.
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from redis import Redis

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.records import Role
from tests.faults.chaos.background import Background
from tests.faults.chaos.load import Client
from tests.faults.chaos.system import ChaosSystem, running_chaos_system
from tests.faults.chaos.work import STEPS, WARM_UP, count_ends, plan_jobs, run_jobs, upload_files
from tests.servers import wait_until

_GROWTH = 1.1
_REDIS = "redis"
_SLACK_BYTES = {_REDIS: 2 * 1024**2}
"""What a window of work and the reports of the last moments take; it comes and goes."""


def main(tasks: int) -> int:
    """Run it."""
    kinds = list(plan_jobs(tasks))
    with tempfile.TemporaryDirectory(prefix="je-soak-") as name, running_chaos_system(Path(name), "sqlite") as system:
        system.environment["JOBENGINE_STEPS"] = STEPS
        parts = build(read_settings(system.environment))
        client = Client(system.url, parts.engine.create_key("soak", Role.SUBMITTER), Path(name) / "log", seed=1)
        system.start()
        pipelines = parts.queries.catalog.pipelines
        wanted = {kind.pipeline for kind in WARM_UP}
        wait_until(lambda: wanted <= {one.name for one in pipelines(None, Page(1000))}, 60, "the announcement")
        file_ids = upload_files(client)
        run_jobs(client, file_ids, WARM_UP)
        samples: list[dict[str, int]] = []
        began = _process_ids(system)
        sampler = Background(lambda: _sample(system, samples, sampler))
        sampler.start()
        run_jobs(client, file_ids, kinds)
        sampler.stop()
        replaced = sorted(name for name, process in _process_ids(system).items() if began.get(name) != process)
        states = _states(parts)
        differences = parts.engine.audit()
        parts.outside.store.close()
    figures = judge(samples, replaced, states, count_ends([*WARM_UP, *kinds]))
    figures["audit_differences"] = len(differences)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["is_flat"] and figures["ended_as_asked"] and not differences else 1


def judge(
    samples: list[dict[str, int]], replaced: list[str], states: Mapping[str, int], asked: Mapping[str, int]
) -> dict[str, object]:
    """The figures. A process that is not in a sample, or is another one in the end, did not keep its memory flat."""
    growth = _growth(samples)
    missing = sorted(name for name in growth if any(name not in sample for sample in samples))
    grown = sorted(name for name, (first, last) in growth.items() if last > _GROWTH * first + _SLACK_BYTES.get(name, 0))
    return {
        "tasks": sum(states.values()),
        "tasks_by_state": dict(states),
        "ended_as_asked": dict(states) == dict(asked),
        "seconds": len(samples),
        "megabytes_first_and_last_quarter": {
            name: [round(value / 1024**2, 1) for value in pair] for name, pair in growth.items()
        },
        "missing": missing,
        "replaced": replaced,
        "grown": grown,
        "is_flat": not (missing or replaced or grown),
    }


def _states(parts: Parts) -> dict[str, int]:
    """How many tasks there are in each state."""
    with parts.outside.store.read() as ledger:
        return Counter(task.state.value for task in ledger.tasks.page(TaskFilter(), Page(limit=None)))


def _process_ids(system: ChaosSystem) -> dict[str, int]:
    """Who is at work, by name."""
    return {managed.name: managed.process.pid for managed in system.managed if managed.process is not None}


def _sample(system: ChaosSystem, samples: list[dict[str, int]], sampler: Background) -> None:
    with Redis.from_url(system.redis.url) as redis:
        while not sampler.pause(1.0):
            samples.append(system.memory_bytes() | {_REDIS: int(redis.info("memory")["used_memory"])})


def _growth(samples: list[dict[str, int]]) -> dict[str, tuple[float, float]]:
    """Mean of the first and of the last quarter, by name."""
    quarter = max(1, len(samples) // 4)
    names = sorted({name for sample in samples for name in sample})
    return {name: (_mean(samples[:quarter], name), _mean(samples[-quarter:], name)) for name in names}


def _mean(samples: list[dict[str, int]], name: str) -> float:
    return statistics.mean([sample[name] for sample in samples if name in sample] or [0])


if __name__ == "__main__":
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
