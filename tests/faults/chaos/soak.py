"""The soak: very many tasks through one system, and what its processes hold.

``python -m tests.faults.chaos.soak TASKS`` samples the resident memory of every process (a worker with its children)
once a second, and prints the mean of the first and of the last quarter, after a warm-up. It exits with 1 when a process
grew by more than a tenth, or the audit finds anything.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import tempfile
import threading
from pathlib import Path

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import Page
from jobengine.domain.records import File, Owner
from jobengine.verbs.requests import JobRequest
from tests.faults.chaos.system import ChaosSystem, running_chaos_system
from tests.servers import wait_until

OWNER = "a" * 24
JOB_TASKS = 1000
_AT_A_TIME = 4
_WARM_UP = 0.2
_GROWTH = 1.1


def main(tasks: int) -> int:
    """Run it."""
    with tempfile.TemporaryDirectory(prefix="je-soak-") as name, running_chaos_system(Path(name), "sqlite") as system:
        system.environment["JOBENGINE_STEPS"] = "tests.teststeps"
        parts = build(read_settings(system.environment))
        system.start()
        pipelines = parts.queries.pipelines
        wait_until(lambda: any(one.name == "noop" for one in pipelines(None, Page(1000))), 60, "the announcement")
        samples: list[dict[str, int]] = []
        stop = threading.Event()
        sampler = threading.Thread(target=_sample, args=(system, samples, stop), daemon=True)
        sampler.start()
        done = _run_jobs(parts, tasks // JOB_TASKS)
        stop.set()
        sampler.join()
        differences = parts.engine.audit()
        parts.outside.store.close()
    growth = _growth(samples)
    is_flat = all(last <= _GROWTH * first for first, last in growth.values())
    megabytes = {name: [round(value / 1024**2, 1) for value in pair] for name, pair in growth.items()}
    figures: dict[str, object] = {"tasks": done * JOB_TASKS, "seconds": len(samples)}
    figures |= {"megabytes_first_and_last_quarter": megabytes, "is_flat": is_flat}
    figures["audit_differences"] = len(differences)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if is_flat and not differences else 1


def _run_jobs(parts: Parts, jobs: int) -> int:
    """Submit jobs, a few at a time, until all have ended; how many succeeded."""
    file_ids = _files(parts)
    succeeded = 0
    open_ids: list[str] = []
    for number in range(jobs + _AT_A_TIME):
        if len(open_ids) >= _AT_A_TIME or number >= jobs:
            if not open_ids:
                break
            job_id = open_ids.pop(0)
            wait_until(lambda job_id=job_id: parts.queries.job(None, job_id).job.state.is_final, 300, "a job")
            succeeded += parts.queries.job(None, job_id).job.state.value == "succeeded"
        if number < jobs:
            open_ids.append(parts.engine.submit(JobRequest(OWNER, "noop", file_ids)).id)
    return succeeded


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


def _sample(system: ChaosSystem, samples: list[dict[str, int]], stop: threading.Event) -> None:
    while not stop.wait(1.0):
        samples.append(system.memory_bytes())


def _growth(samples: list[dict[str, int]]) -> dict[str, tuple[float, float]]:
    """Mean of the first and of the last quarter, by process."""
    steady = samples[int(len(samples) * _WARM_UP) :]
    quarter = max(1, len(steady) // 4)
    names = set.intersection(*(set(sample) for sample in steady))
    return {
        name: (
            statistics.mean(sample[name] for sample in steady[:quarter]),
            statistics.mean(sample[name] for sample in steady[-quarter:]),
        )
        for name in sorted(names)
    }


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
