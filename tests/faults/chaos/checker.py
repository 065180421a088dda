"""The checker: what the client was promised, against what the ledger has."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobengine.build import Parts
from jobengine.domain.filters import JobFilter, Page, ResultFilter, TaskFilter
from jobengine.domain.records import Job, Result, Task
from jobengine.domain.retry import POISON_LOSSES
from jobengine.domain.states import FailureKind, JobState, TaskState
from tests.faults.chaos.load import CONTENTS, Client
from tests.faults.chaos.steps import expected
from tests.faults.chaos.system import ChaosSystem

_END_SECONDS = 180.0
DIGESTS = {f"{number}.bin": expected(data) for number, data in enumerate(CONTENTS)}

FAILS_AS = {
    "chaos-rejecting": FailureKind.STEP,
    "chaos-deadly": FailureKind.LOST,
    "chaos-hungry": FailureKind.MEMORY,
}
"""The pipelines whose jobs fail, and as what; all others succeed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts that matter; all but the first three are to be 0, work repeated and tasks given up aside."""

    jobs: int
    tasks: int
    executions: int
    lost: int
    stuck: int
    second_results: int
    missing_results: int
    wrong_results: int
    wrong_ends: int
    unasked_jobs: int
    repeated: int
    given_up: int

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        results = self.second_results or self.missing_results or self.wrong_results
        return not (self.lost or self.stuck or results or self.wrong_ends or self.unasked_jobs)


def wait_for_the_end(parts: Parts, client: Client) -> None:
    """Wait until every accepted job has ended, or until it is clear that one does not."""
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        with parts.outside.store.read() as ledger:
            jobs = ledger.jobs.fetch(client.accepted)
        if all(job.state.is_final for job in jobs.values()):
            return
        time.sleep(0.5)


def judge(parts: Parts, system: ChaosSystem, client: Client) -> Verdict:
    """Compare the client's log with the ledger."""
    with parts.outside.store.read() as ledger:
        jobs = {job.id: job for job in ledger.jobs.page(JobFilter(), Page(limit=None))}
        tasks = ledger.tasks.page(TaskFilter(), Page(limit=None))
        results = ledger.results.page(ResultFilter(), Page(limit=None))
        files = ledger.files.fetch({result.file_id for result in results if result.file_id is not None})
    by_task = Counter(result.task_id for result in results)
    succeeded = {task.id for task in tasks if task.state is TaskState.SUCCEEDED}
    executed = Counter(system.executions.read_text().split())
    by_job: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_job[task.job_id].append(task)
    return Verdict(
        jobs=len(client.accepted),
        tasks=len(tasks),
        executions=sum(executed.values()),
        lost=len(set(client.accepted) - set(jobs)),
        stuck=sum(not job.state.is_final for job in jobs.values()),
        second_results=sum(count - 1 for count in by_task.values()),
        missing_results=len(succeeded - set(by_task)) + len(set(by_task) - succeeded),
        wrong_results=count_wrong(results, {file_id: file.name for file_id, file in files.items()}),
        wrong_ends=sum(not is_right_end(jobs[i], by_job[i], line) for i, line in client.accepted.items() if i in jobs),
        unasked_jobs=len(set(jobs) - set(client.accepted)),
        repeated=sum(count - 1 for count in executed.values()),
        given_up=sum(is_given_up(task) for task in tasks if task.step != "chaos.deadly"),
    )


def count_wrong(results: list[Result], names: Mapping[str, str]) -> int:
    """How many are not what the contents give: of each file its digest, of each job one over those of its files."""
    of_files: dict[str, list[str]] = defaultdict(list)
    for result in results:
        if result.file_id is not None:
            of_files[result.job_id].append(DIGESTS[names[result.file_id]])
    return sum(
        result.data.get("digest")
        != (
            DIGESTS[names[result.file_id]]
            if result.file_id is not None
            else expected("".join(sorted(of_files[result.job_id])).encode())
        )
        for result in results
    )


def is_right_end(job: Job, tasks: list[Task], line: Mapping[str, Any]) -> bool:
    """Whether a job has ended as its pipeline must, or as it was when the client was told that it is canceled."""
    if not job.state.is_final:
        return True  # Counted as stuck.
    if "state_when_canceled" in line:
        return job.state.value == line["state_when_canceled"]
    if line.get("cancel_was_asked_for") and job.canceled_at is not None:
        return job.state in (JobState.CANCELED, JobState.FAILED)
    kind = FAILS_AS.get(line["pipeline"])
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if any(task.failure_kind is not kind and not is_given_up(task) for task in failed):
        return False
    right = JobState.FAILED if kind is not None or failed else JobState.SUCCEEDED
    return job.state is right


def is_given_up(task: Task) -> bool:
    """Failed because workers went down under it too often, as is promised for what takes them down."""
    is_lost = task.state is TaskState.FAILED and task.failure_kind is FailureKind.LOST
    return is_lost and task.losses >= POISON_LOSSES
