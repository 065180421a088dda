"""The cluster on several hosts: ``python -m tests.faults.several_hosts``.

Two engines, three workers, a web server, Redis, PostgreSQL and an S3 server, each on a host of its own. While a job
runs, a worker is cut off and an engine is killed; the worker comes back late, after its tasks were done elsewhere.
Prints what happened, and exits with 1 unless each task has exactly one result, what the worker had done to its end
meanwhile was refused, and ``jobengine check`` finds nothing.

That it was refused is read from rows: its process has had a later report accepted, and reports keep their order, so
the ones before were read; and of its attempt there is neither a result nor an accepted end.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import Page, ResultFilter, TaskFilter
from jobengine.domain.records import Attempt, File, Job, Owner, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.requests import JobRequest
from tests.faults.hosts import Hosts, running_hosts
from tests.faults.hosts_steps import DIARY, Entry, read_diary
from tests.postgresql_server import PostgresqlServer, running_postgresql
from tests.s3_server import KEY, SECRET, S3Server, running_s3
from tests.servers import RedisServer, wait_until

ENGINES = ("engine1", "engine2")
WORKERS = ("worker1", "worker2", "worker3")
ROOT = Path(__file__).parents[2]
OWNER = "a" * 24
TASKS = 72
TASK_SECONDS = 3.0
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

    def diary(self) -> list[Entry]:
        """What the steps have written down; workers share its folder, whatever happens to their cables."""
        return read_diary(Path(self.environment[DIARY]))


def main() -> int:
    """Run it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="je-hosts-")))
        hosts = stack.enter_context(running_hosts(("client", "redis", "postgresql", "s3", "web", *ENGINES, *WORKERS)))
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
    with hosts.at("s3"):
        s3: S3Server = stack.enter_context(running_s3(hosts.address("s3")))
    ledger = f"postgresql://postgres@{hosts.address('postgresql')}/cluster"
    environment = {
        **os.environ,
        "JOBENGINE_DATA_DIR": str(folder / "data"),
        "JOBENGINE_LEDGER_URL": ledger,
        "JOBENGINE_REDIS_URL": redis.url,
        "JOBENGINE_ARTIFACTS_URL": s3.url("cluster"),
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "JOBENGINE_STEPS": "tests.faults.hosts_steps",
        DIARY: str(folder / "diary"),
        "JOBENGINE_LEASE_SECONDS": "8",
        "JOBENGINE_SECRET_KEY": "a secret of this run alone",
    }
    (folder / "diary").touch()
    # The client talks to the bucket as well.
    os.environ.update({name: environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")})
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
    return parts.engine.submit(_request([file.id for file in files], TASK_SECONDS))


def _request(file_ids: Sequence[str], seconds: float) -> JobRequest:
    return JobRequest(OWNER, "work", tuple(file_ids), parameters={"work": {"seconds": seconds}})


def _cut_and_look(cluster: HostCluster, parts: Parts, job: Job) -> int:
    began = time.monotonic()
    _say(began, f"submitted {TASKS} tasks of {TASK_SECONDS:.0f} s to {len(WORKERS)} workers with two processes each")
    wait_until(lambda: _job(parts, job).counts.succeeded >= 6, 60, "the first results")
    wait_until(lambda: _running_at(parts, job, "worker1"), 30, "a task at worker1")
    cluster.hosts.pull_cable("worker1")
    # What had been said before the cut is in the ledger then; what still runs by it was cut off.
    wait_until(lambda: parts.outside.transport.backlog() == 0, 30, "the end of the backlog")
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
    again = parts.engine.submit(_request(_file_ids(parts, job), 0.5))
    wait_until(lambda: len(_read_late(cluster, parts, cut)) == len(cut), 90, "what worker1 had to say of its tasks")
    _say(began, "what it had to say was read, and it has done new work since")
    wait_until(lambda: _job(parts, again).state.is_final, 120, "the end of the second job")
    _say(began, "the second job has ended")
    wait_until(lambda: _is_clean(cluster, began), 60, "a clean check")
    return _judge(parts, job, cut)


def _read_late(cluster: HostCluster, parts: Parts, cut: Sequence[Task]) -> list[Entry]:
    """The attempts that were cut off and run to their end, and whose reports were read since."""
    diary, accepted = cluster.diary(), _accepted(parts, cluster.diary())
    lost = {(task.id, task.attempt) for task in cut}
    return [
        entry
        for index, entry in enumerate(diary)
        if (entry.task_id, entry.attempt) in lost
        and any(
            later.process_id == entry.process_id and (later.task_id, later.attempt) in accepted
            for later in diary[index + 1 :]
        )
    ]


def _accepted(parts: Parts, entries: Iterable[Entry]) -> set[tuple[str, int]]:
    """The attempts with which their tasks ended."""
    with parts.outside.store.read() as ledger:
        attempts = ledger.results.attempts({entry.task_id for entry in entries})
    return {(attempt.task_id, attempt.number) for attempt in attempts if attempt.accepted}


def _is_clean(cluster: HostCluster, began: float) -> bool:
    command = [sys.executable, "-m", "jobengine.cli", "check", "--hashes"]
    done = subprocess.run(command, env=cluster.environment, cwd=ROOT, capture_output=True, text=True)
    _say(began, (done.stdout + done.stderr).strip())
    return done.returncode == 0


def _judge(parts: Parts, job: Job, cut: list[Task]) -> int:
    with parts.outside.store.read() as ledger:
        tasks = ledger.tasks.page(TaskFilter(job_id=job.id), Page(limit=None))
        results = ledger.results.page(ResultFilter(job_id=job.id), Page(limit=None))
        attempts = ledger.results.attempts([task.id for task in tasks])
    ends = {(attempt.task_id, attempt.number): attempt for attempt in attempts}
    refused = [ends[task.id, task.attempt] for task in cut if not ends[task.id, task.attempt].accepted]
    elsewhere = {attempt.task_id for attempt in attempts if attempt.accepted and not _is_at(attempt, "worker1")}
    figures = {
        "tasks": len(tasks),
        "results": len(results),
        "tasks_with_exactly_one_result": len({result.task_id for result in results}),
        "cut_off_while_running": len(cut),
        "cut_off_and_done_elsewhere": len(elsewhere & {task.id for task in cut}),
        "late_ends_refused": len(refused),
        "attempts": len(attempts),
        "second_results_accepted": len(results) - len({result.task_id for result in results}),
        "state": _job(parts, job).state.value,
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    is_right = (
        figures["state"] == JobState.SUCCEEDED.value
        and sorted(result.task_id for result in results) == sorted(task.id for task in tasks)
        and cut != []
        and len(refused) == len(cut) == figures["cut_off_and_done_elsewhere"]
        and {attempt.outcome for attempt in refused} == {"rescued"}
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
    # Those that have saved their artifact: they need nobody any more to come to their end.
    return [task for task in running if _is_at(task, host) and task.progress > 0]


def _is_at(one: Task | Attempt, host: str) -> bool:
    return (one.worker or "").startswith(f"{host}@")


def _file_ids(parts: Parts, job: Job) -> list[str]:
    with parts.outside.store.read() as ledger:
        return ledger.jobs.file_ids(job.id)


def _say(began: float, message: str) -> None:
    sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
