"""The cluster on several hosts: ``python -m tests.faults.several_hosts``.

Two engines, three workers, a web server, Redis and PostgreSQL, each on a host of its own. While a job runs, a worker
is cut off and an engine is killed; the worker comes back late, after its tasks were done elsewhere. Prints what
happened, and exits with 1 unless each task has exactly one result and the late reports were refused.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import Page, ResultFilter, TaskFilter
from jobengine.domain.records import File, Job, Owner, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.requests import JobRequest
from tests.faults.hosts import Hosts, running_hosts
from tests.postgresql_server import PostgresqlServer, running_postgresql
from tests.servers import RedisServer, wait_until

ENGINES = ("engine1", "engine2")
WORKERS = ("worker1", "worker2", "worker3")
ROOT = Path(__file__).parents[2]
OWNER = "a" * 24
TASKS = 120
CUT_SECONDS = 25.0


@dataclass(slots=True)
class HostCluster:
    """What runs on the hosts."""

    hosts: Hosts
    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, host: str, *words: str) -> None:
        """Start a Python module on a host."""
        with (self.folder / f"{host}.log").open("ab") as log, self.hosts.at(host):
            self.processes[host] = subprocess.Popen(
                [sys.executable, "-m", *words], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )

    def stop(self) -> None:
        """Kill what is left."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def log_of(self, host: str) -> str:
        """What was written there."""
        return (self.folder / f"{host}.log").read_text(errors="replace")


def main() -> int:
    """Run it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="je-hosts-")))
        hosts = stack.enter_context(running_hosts(("client", "redis", "postgresql", "web", *ENGINES, *WORKERS)))
        stack.enter_context(hosts.at("client"))
        cluster = _start(stack, hosts, folder)
        parts = build(read_settings(cluster.environment))
        stack.callback(parts.outside.store.close)
        job = _submit(parts)
        return _cut_and_look(cluster, parts, job)


def _start(stack: ExitStack, hosts: Hosts, folder: Path) -> HostCluster:
    (folder / "redis").mkdir()
    redis = RedisServer(folder / "redis", 6379, host=hosts.address("redis"))
    with hosts.at("redis"):
        redis.start()
    stack.callback(redis.kill)
    with hosts.at("postgresql"):
        postgresql: PostgresqlServer = stack.enter_context(running_postgresql(hosts.address("postgresql")))
        postgresql.create_database("cluster")
    ledger = f"postgresql://postgres@{hosts.address('postgresql')}/cluster"
    environment = {
        **os.environ,
        "JOBENGINE_DATA_DIR": str(folder / "data"),
        "JOBENGINE_LEDGER_URL": ledger,
        "JOBENGINE_REDIS_URL": redis.url,
        "JOBENGINE_STEPS": "tests.teststeps",
        "JOBENGINE_LEASE_SECONDS": "8",
        "JOBENGINE_SECRET_KEY": "a secret of this run alone",
    }
    cluster = HostCluster(hosts, folder, environment)
    stack.callback(cluster.stop)
    for host in ENGINES:
        cluster.start(host, "jobengine.loops")
    for host in WORKERS:
        cluster.start(host, "celery", "-A", "workers.app", "worker", "-c", "2", "-l", "INFO", "-n", f"{host}@{host}")
    cluster.start("web", "gunicorn", "--bind", f"{hosts.address('web')}:8080", "api.wsgi:create()")
    return cluster


def _submit(parts: Parts) -> Job:
    outside = parts.outside
    files = []
    for number in range(TASKS):
        data = f"file {number}".encode()
        stored = outside.artifacts.put(io.BytesIO(data))
        name = f"{number}.bin"
        media_type = "application/octet-stream"
        identifier = outside.ids.new()
        files.append(File(identifier, OWNER, name, "", media_type, len(data), stored.sha256, time.time()))
    with outside.store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "lab", time.time())])
        ledger.files.insert(files)

    def workers() -> int:
        with outside.store.read() as ledger:
            return len(ledger.catalog.workers())

    wait_until(lambda: workers() == len(WORKERS), 90, "three workers")
    request = JobRequest(OWNER, "sleep", tuple(file.id for file in files), parameters={"sleep": {"seconds": 2.0}})
    return parts.engine.submit(request)


def _cut_and_look(cluster: HostCluster, parts: Parts, job: Job) -> int:
    began = time.monotonic()
    _say(began, f"submitted {TASKS} tasks of 2 s to {len(WORKERS)} workers with two processes each")
    wait_until(lambda: _job(parts, job).counts.succeeded >= 12, 60, "the first results")
    wait_until(lambda: _running_at(parts, job, "worker1"), 30, "a task at worker1")
    cluster.hosts.pull_cable("worker1")
    cut = _running_at(parts, job, "worker1")
    _say(began, f"cut worker1 off while it ran {len(cut)} tasks")
    cluster.processes["engine1"].kill()
    _say(began, "killed engine1")
    wait_until(lambda: all(_task(parts, task).attempt > task.attempt for task in cut), 40, "the rescue")
    _say(began, "its tasks were given to others")
    time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - began)))
    cluster.hosts.plug_in("worker1")
    _say(began, "worker1 is back, with reports of attempts that are over")
    wait_until(lambda: _job(parts, job).state.is_final, 240, "the end of the job")
    _say(began, f"the job has ended: {_job(parts, job).state.value}")
    # Its late reports come within the time after which it tries to write them again.
    wait_until(lambda: "refused as late" in cluster.log_of("engine2"), 60, "the refusal of late reports")
    again = parts.engine.submit(JobRequest(OWNER, "sleep", tuple(_file_ids(parts, job))))
    wait_until(lambda: _running_at(parts, again, "worker1"), 60, "new work at worker1")
    _say(began, "worker1 takes new work")
    return _judge(parts, job, cut, cluster)


def _judge(parts: Parts, job: Job, cut: list[Task], cluster: HostCluster) -> int:
    with parts.outside.store.read() as ledger:
        tasks = ledger.tasks.page(TaskFilter(job_id=job.id), Page(limit=None))
        results = ledger.results.page(ResultFilter(job_id=job.id), Page(limit=None))
        attempts = ledger.results.attempts([task.id for task in tasks])
    refused = sum("refused as late" in line for line in cluster.log_of("engine2").splitlines())
    figures = {
        "tasks": len(tasks),
        "results": len(results),
        "tasks_with_exactly_one_result": len({result.task_id for result in results}),
        "cut_off_while_running": len(cut),
        "attempts": len(attempts),
        "second_results_accepted": len(results) - len({result.task_id for result in results}),
        "rounds_with_refused_reports": refused,
        "state": _job(parts, job).state.value,
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    is_right = (
        figures["state"] == JobState.SUCCEEDED.value
        and sorted(result.task_id for result in results) == sorted(task.id for task in tasks)
        and len(attempts) >= len(tasks) + len(cut)
        and refused > 0
    )
    return 0 if is_right else 1


def _job(parts: Parts, job: Job) -> Job:
    with parts.outside.store.read() as ledger:
        return ledger.jobs.fetch([job.id])[job.id]


def _task(parts: Parts, task: Task) -> Task:
    with parts.outside.store.read() as ledger:
        return ledger.tasks.fetch([task.id])[task.id]


def _running_at(parts: Parts, job: Job, host: str) -> list[Task]:
    with parts.outside.store.read() as ledger:
        running = ledger.tasks.of_jobs([job.id], [TaskState.RUNNING])
    return [task for task in running if (task.worker or "").startswith(f"{host}@")]


def _file_ids(parts: Parts, job: Job) -> list[str]:
    with parts.outside.store.read() as ledger:
        return ledger.jobs.file_ids(job.id)


def _say(began: float, message: str) -> None:
    sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
