"""What reports do to tasks: applied in memory, in order, then written as one guarded statement.

Rules:
1. A report that the state machine refuses (late, repeated, of another attempt) changes nothing and is counted.
2. Results, artifacts and attempt rows are collected beside the moves and written in the same transaction, and only for
   tasks whose move was written. Lines of a log are of an attempt, whether or not it has ended meanwhile.
3. A worker's clock is never trusted further than between dispatch and now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobengine.domain import moves
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.interfaces.transport import AttemptKey
from jobengine.domain.pace import Pace
from jobengine.domain.records import Artifact, Attempt, LogLine, Result, RetryPolicy, StepSpec, Task
from jobengine.domain.reports import OF_DELIVERIES, Report, ReportKind
from jobengine.domain.retry import POISON_LOSSES, TryAgain, decide
from jobengine.domain.states import FailureKind, MoveRefused, TaskState
from jobengine.verbs.attempts import ended_attempt
from jobengine.verbs.outside import Outside

_ACTIVE = (TaskState.ENQUEUED, TaskState.RUNNING)


@dataclass(slots=True)
class Left:
    """What the accepted reports leave behind, by kind of row."""

    results: list[Result] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)


class Application:
    """The tasks of one batch of reports, as they were read and as they become."""

    def __init__(
        self,
        outside: Outside,
        pace: Pace,
        steps: Mapping[str, StepSpec],
        tasks: Iterable[Task],
        system_failures: Mapping[str, int],
        now: float,
    ) -> None:
        self._outside = outside
        self._pace = pace
        self._steps = steps
        self._system_failures = Counter(system_failures)
        self._now = now
        self._lease = now + outside.settings.lease_seconds
        self._before = {task.id: task for task in tasks}
        self._tasks = dict(self._before)
        self._by_delivery: dict[str | None, list[str]] = {}
        for task in self._before.values():
            self._by_delivery.setdefault(task.delivery_id, []).append(task.id)
        self.left = Left()
        self.refused = 0
        self.unwanted: set[AttemptKey] = set()
        """Attempts that a worker still runs although nobody wants them."""

    def changes(self) -> list[TaskChange]:
        """The moves that the reports add up to."""
        return [
            TaskChange(self._before[task_id], task)
            for task_id, task in self._tasks.items()
            if task != self._before[task_id]
        ]

    def apply(self, report: Report) -> None:
        """Take in one report."""
        try:
            if report.task_id is None or report.kind in OF_DELIVERIES:
                self._apply_to_delivery(report)
            else:
                self._apply_to_task(report, report.task_id)
        except MoveRefused:
            self.refused += 1

    def _apply_to_task(self, report: Report, task_id: str) -> None:
        task = self._tasks.get(task_id)
        if task is None:
            self.refused += 1
            return
        match report.kind:
            case ReportKind.STARTED:
                at = max(task.enqueued_at or report.at, min(report.at, self._now))
                self._tasks[task_id] = moves.start(task, report.attempt, report.worker, at, self._lease)
            case ReportKind.PROGRESSED:
                fraction, message = float(report.body.get("fraction", 0)), str(report.body.get("message", ""))
                self._tasks[task_id] = moves.progress(task, report.attempt, fraction, message)
            case ReportKind.SUCCEEDED:
                self._succeed(task, report)
            case ReportKind.FAILED:
                self._fail(task, report.attempt, FailureKind(report.body["kind"]), report.body)
            case ReportKind.LOGGED if task.attempt == report.attempt:
                self.left.logs.append(LogLine(task_id, report.attempt, report.at, str(report.body.get("text", ""))))
            case _:
                self.refused += 1

    def _apply_to_delivery(self, report: Report) -> None:
        held = [self._tasks[task_id] for task_id in self._by_delivery.get(report.delivery_id, ())]
        # What was applied before may have taken tasks from their delivery.
        tasks = [task for task in held if task.delivery_id is not None and task.state in _ACTIVE]
        match report.kind:
            case ReportKind.CLAIMED | ReportKind.RENEWED:
                for task in tasks:
                    self._tasks[task.id] = moves.claim(task, task.attempt, report.worker, self._lease)
                self._note_unwanted(report, tasks)
            case ReportKind.RETURNED:
                for task in tasks:
                    self._rescue(task, "returned", "The worker shut down and gave the task back.")
            case ReportKind.LOST:
                self._lose(tasks, report)
            case _:
                self.refused += 1

    def _note_unwanted(self, report: Report, tasks: list[Task]) -> None:
        """A renewal names the task that is running; when it is not to run any more, the worker missed the word."""
        if report.task_id is not None and report.task_id not in {task.id for task in tasks}:
            self.unwanted.add((report.task_id, report.attempt))

    def _succeed(self, task: Task, report: Report) -> None:
        after = moves.succeed(task, report.attempt, self._now)
        if task.started_at is not None:
            self._pace.learn(task.step, self._seconds(task.started_at, report))
        result = Result(
            id=self._outside.ids.new(),
            job_id=task.job_id,
            task_id=task.id,
            owner_id=task.owner_id,
            kind=self._steps[task.step].result_kind if task.step in self._steps else task.step,
            step=task.step,
            file_id=task.file_id,
            data=report.body.get("result") or {},
            created_at=self._now,
        )
        self.left.results.append(result)
        self.left.artifacts += [self._artifact(result, saved) for saved in report.body.get("artifacts") or ()]
        self.left.attempts.append(ended_attempt(task, "succeeded", self._now, accepted=True, body=report.body))
        self._tasks[task.id] = after

    def _seconds(self, started_at: float, report: Report) -> float:
        """How long the attempt ran, as the worker measured it; else by two times, of which the first may be ours."""
        measured = report.body.get("seconds")
        return max(0.0, min(report.at, self._now) - started_at if measured is None else float(measured))

    def _artifact(self, result: Result, saved: Mapping[str, Any]) -> Artifact:
        return Artifact(
            id=self._outside.ids.new(),
            job_id=result.job_id,
            task_id=result.task_id,
            result_id=result.id,
            owner_id=result.owner_id,
            name=str(saved["name"]),
            media_type=str(saved["media_type"]),
            size_bytes=int(saved["size_bytes"]),
            sha256=str(saved["sha256"]),
            created_at=self._now,
        )

    def _fail(self, task: Task, attempt: int, kind: FailureKind, body: Mapping[str, Any]) -> None:
        policy = self._steps[task.step].retry if task.step in self._steps else RetryPolicy()
        message = str(body.get("message", ""))
        failures = task.failures
        if kind is FailureKind.SYSTEM:
            failures = self._system_failures[task.id]
            self._system_failures[task.id] += 1
        decision = decide(policy, failures, kind, self._now, body.get("retry_after_seconds"))
        if isinstance(decision, TryAgain):
            after = moves.retry(task, attempt, kind, message, decision.not_before)
        else:
            after = moves.fail(task, attempt, kind, message, self._now)
        self.left.attempts.append(
            ended_attempt(
                task, "failed", self._now, accepted=after.state.is_final, kind=kind, message=message, body=body
            )
        )
        self._tasks[task.id] = after

    def _lose(self, tasks: list[Task], report: Report) -> None:
        """The process that ran the delivery is gone: the task it was at is to blame, the others only go again."""
        blamed = _blamed(tasks, report.task_id)
        for task in tasks:
            if task is not blamed:
                self._rescue(task, "rescued", "The worker process went down at another task of the delivery.")
        if blamed is None:
            return
        kind = FailureKind(report.body.get("kind", FailureKind.LOST.value))
        message = str(report.body.get("message") or "The worker process went down while it ran this task.")
        if kind is not FailureKind.LOST:
            self._fail(blamed, blamed.attempt, kind, {**report.body, "message": message})
        elif blamed.losses + 1 >= POISON_LOSSES:
            self._quarantine(blamed, message)
        else:
            self._rescue(blamed, "lost", message, took_worker_down=True)

    def _quarantine(self, task: Task, message: str) -> None:
        message = f"{message} It did so {POISON_LOSSES} times and is not tried again."
        after = moves.fail(task, task.attempt, FailureKind.LOST, message, self._now)
        self.left.attempts.append(
            ended_attempt(task, "failed", self._now, accepted=True, kind=FailureKind.LOST, message=message)
        )
        self._tasks[task.id] = after

    def _rescue(self, task: Task, outcome: str, message: str, *, took_worker_down: bool = False) -> None:
        after = moves.rescue(task, task.attempt, took_worker_down=took_worker_down, not_before=self._now)
        kind = FailureKind.LOST if took_worker_down else None
        self.left.attempts.append(ended_attempt(task, outcome, self._now, kind=kind, message=message))
        self._tasks[task.id] = after


def _blamed(tasks: Sequence[Task], task_id: str | None) -> Task | None:
    """The task that a process was at when it went down; None where it is none of these, as nobody wants it any more."""
    if task_id is not None:
        return next((task for task in tasks if task.id == task_id), None)
    running = [task for task in tasks if task.state is TaskState.RUNNING]
    return running[-1] if running else next(iter(tasks), None)
