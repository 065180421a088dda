"""The checker: what the client was promised, against what the ledger has."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from jobengine.build import Parts
from jobengine.domain.filters import JobFilter, Page, ResultFilter, TaskFilter
from jobengine.domain.states import TaskState
from tests.faults.chaos.load import CONTENTS, Client
from tests.faults.chaos.steps import expected
from tests.faults.chaos.system import ChaosSystem

_END_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts that matter; all but the first three are to be 0, work repeated aside."""

    jobs: int
    tasks: int
    executions: int
    lost: int
    stuck: int
    second_results: int
    missing_results: int
    wrong_results: int
    unasked_jobs: int
    repeated: int
    given_up: int

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not any(
            (self.lost, self.stuck, self.second_results, self.missing_results, self.wrong_results, self.unasked_jobs)
        )


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
        names = ledger.files.fetch({result.file_id for result in results if result.file_id is not None})
    by_task = Counter(result.task_id for result in results)
    succeeded = {task.id for task in tasks if task.state is TaskState.SUCCEEDED}
    digests = {f"{number}.bin": expected(data) for number, data in enumerate(CONTENTS)}
    executed = Counter(system.executions.read_text().split())
    return Verdict(
        jobs=len(client.accepted),
        tasks=len(tasks),
        executions=sum(executed.values()),
        lost=len(set(client.accepted) - set(jobs)),
        stuck=sum(not job.state.is_final for job in jobs.values()),
        second_results=sum(count - 1 for count in by_task.values()),
        missing_results=len(succeeded - set(by_task)) + len(set(by_task) - succeeded),
        wrong_results=sum(
            result.data.get("digest") != digests[names[result.file_id].name]
            for result in results
            if result.file_id is not None
        ),
        unasked_jobs=len(set(jobs) - set(client.accepted)),
        repeated=sum(count - 1 for count in executed.values()),
        given_up=_given_up(tasks),
    )


def _given_up(tasks: list[Any]) -> int:
    """Tasks of steps that never take a worker down, failed because workers went down under them too often."""
    return sum(
        task.state is TaskState.FAILED and task.step in ("chaos.short", "chaos.long", "chaos.sum", "chaos.flaky")
        for task in tasks
    )
