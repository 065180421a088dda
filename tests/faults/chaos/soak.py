"""The soak: very many tasks through one system, and what its processes hold.

``python -m tests.faults.chaos.soak TASKS`` samples the resident memory of every process (a worker with its children)
and what Redis holds once a second, and prints the mean of the first and of the last quarter, after a warm-up. It exits
with 1 unless every task succeeded, every process was there from the first sample to the last, none grew by more than a
tenth, nor Redis by more than a little, and the audit finds nothing.
"""

from __future__ import annotations

import io
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
from jobengine.domain.records import File, Owner
from jobengine.domain.states import TaskState
from jobengine.verbs.requests import JobRequest
from tests.faults.chaos.background import Background
from tests.faults.chaos.system import ChaosSystem, running_chaos_system
from tests.servers import wait_until

OWNER = "a" * 24
JOB_TASKS = 1000
_AT_A_TIME = 4
_WARM_UP = 0.2
_GROWTH = 1.1
_REDIS = "redis"
_SLACK_BYTES = {_REDIS: 2 * 1024**2}
"""What a window of work and the reports of the last moments take; it comes and goes."""


def main(tasks: int) -> int:
    """Run it."""
    with tempfile.TemporaryDirectory(prefix="je-soak-") as name, running_chaos_system(Path(name), "sqlite") as system:
        system.environment["JOBENGINE_STEPS"] = "tests.teststeps"
        parts = build(read_settings(system.environment))
        system.start()
        pipelines = parts.queries.pipelines
        wait_until(lambda: any(one.name == "noop" for one in pipelines(None, Page(1000))), 60, "the announcement")
        samples: list[dict[str, int]] = []
        began = _process_ids(system)
        sampler = Background(lambda: _sample(system, samples, sampler))
        sampler.start()
        _run_jobs(parts, tasks // JOB_TASKS)
        sampler.stop()
        replaced = sorted(name for name, process in _process_ids(system).items() if began.get(name) != process)
        states = _states(parts)
        differences = parts.engine.audit()
        parts.outside.store.close()
    figures = judge(samples, replaced, states, tasks // JOB_TASKS * JOB_TASKS)
    figures["audit_differences"] = len(differences)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["is_flat"] and figures["all_succeeded"] and not differences else 1


def judge(
    samples: list[dict[str, int]], replaced: list[str], states: Mapping[str, int], asked: int
) -> dict[str, object]:
    """The figures. A process that is not in a sample, or is another one in the end, did not keep its memory flat."""
    growth = _growth(samples)
    missing = sorted(name for name in growth if any(name not in sample for sample in samples))
    grown = sorted(name for name, (first, last) in growth.items() if last > _GROWTH * first + _SLACK_BYTES.get(name, 0))
    return {
        "tasks": sum(states.values()),
        "tasks_by_state": dict(states),
        "all_succeeded": states == {TaskState.SUCCEEDED.value: asked},
        "seconds": len(samples),
        "megabytes_first_and_last_quarter": {
            name: [round(value / 1024**2, 1) for value in pair] for name, pair in growth.items()
        },
        "missing": missing,
        "replaced": replaced,
        "grown": grown,
        "is_flat": not (missing or replaced or grown),
    }


def _run_jobs(parts: Parts, jobs: int) -> None:
    """Submit jobs, a few at a time, until all have ended."""
    file_ids = _files(parts)
    open_ids: list[str] = []
    for number in range(jobs + _AT_A_TIME):
        if len(open_ids) >= _AT_A_TIME or number >= jobs:
            if not open_ids:
                break
            job_id = open_ids.pop(0)
            wait_until(lambda job_id=job_id: parts.queries.job(None, job_id).job.state.is_final, 300, "a job")
        if number < jobs:
            open_ids.append(parts.engine.submit(JobRequest(OWNER, "noop", file_ids)).id)


def _files(parts: Parts) -> tuple[str, ...]:
    outside = parts.outside
    stored = outside.artifacts.put(io.BytesIO(b"x"))
    at = outside.clock()
    files = [
        File(outside.ids.new(), OWNER, f"{number}.bin", "", "", 1, stored.sha256, at) for number in range(JOB_TASKS)
    ]
    with outside.store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "soak", at)])
        ledger.files.insert(files)
    return tuple(file.id for file in files)


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
    steady = samples[int(len(samples) * _WARM_UP) :]
    quarter = max(1, len(steady) // 4)
    names = sorted({name for sample in samples for name in sample})
    return {name: (_mean(steady[:quarter], name), _mean(steady[-quarter:], name)) for name in names}


def _mean(samples: list[dict[str, int]], name: str) -> float:
    return statistics.mean([sample[name] for sample in samples if name in sample] or [0])


if __name__ == "__main__":
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
