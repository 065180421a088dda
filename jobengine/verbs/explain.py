"""Why each unfinished task of a job is where it is: in one sentence, and in data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Attempt, Executor, Job, Owner, Task, WorkerRecord
from jobengine.domain.states import FINAL_STATES, TaskState
from jobengine.verbs.dispatch import live_workers, slots_by_queue
from jobengine.verbs.turns import count_before

TASKS_LIMIT = 1000
"""Tasks that are explained one by one; how many more there are is said beside."""

_UNFINISHED = tuple(state for state in TaskState if state not in FINAL_STATES)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One task's reason: a word for programs, a sentence for people, and what the sentence is made of."""

    task: Task
    reason: str
    sentence: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Situation:
    """What all tasks of the job share, read once."""

    now: float
    workers: list[WorkerRecord]
    slots: Mapping[str, int]
    owner: Owner
    in_flight: int
    sent: Mapping[str, int]
    before: Mapping[str, int]
    is_redis_up: bool


def explain_job(ledger: Ledger, job: Job, now: float, *, is_redis_up: bool) -> list[Explanation]:
    """Up to TASKS_LIMIT unfinished tasks, oldest first."""
    unfinished = TaskFilter(job_id=job.id, states=_UNFINISHED)
    tasks = ledger.tasks.page(unfinished, Page(limit=TASKS_LIMIT, descending=False))
    workers = live_workers(ledger.catalog.workers(), now)
    by_owner, enqueued = ledger.tasks.count_in_flight()
    sent: Counter[str] = Counter()
    for (queue, _), count in enqueued.items():
        sent[queue] += count
    situation = _Situation(
        now=now,
        workers=workers,
        slots=slots_by_queue(workers, now),
        owner=ledger.owners.fetch([job.owner_id])[job.owner_id],
        in_flight=by_owner.get(job.owner_id, 0),
        sent=sent,
        before=count_before(ledger, tasks, now),
        is_redis_up=is_redis_up,
    )
    failures = _last_failures(ledger, tasks)
    return [_with_failure(_explain(task, situation), failures.get(task.id)) for task in tasks]


def _last_failures(ledger: Ledger, tasks: Sequence[Task]) -> dict[str, Attempt]:
    """The newest attempt of each task that went wrong, for whatever reason."""
    tried = [task.id for task in tasks if task.attempt > 0]
    attempts = ledger.results.attempts(tried) if tried else []
    return {attempt.task_id: attempt for attempt in attempts if attempt.failure_kind is not None}


def _with_failure(explanation: Explanation, failure: Attempt | None) -> Explanation:
    if failure is None or failure.failure_kind is None:
        return explanation
    kind, message = failure.failure_kind.value, failure.message or "nobody said why"
    sentence = f"{explanation.sentence} Attempt {failure.number} failed ({kind}): {message}"
    last = {"attempt": failure.number, "kind": kind, "message": failure.message}
    return replace(explanation, sentence=sentence, data={**explanation.data, "last_failure": last})


def _explain(task: Task, now: _Situation) -> Explanation:
    data: dict[str, Any]
    if task.executor is Executor.EXTERNAL:
        return Explanation(task, "external", f"Waits for {task.step!r}, who reports from outside.")
    match task.state:
        case TaskState.WAITING:
            data = {"waiting_on": task.waiting_on, "predecessors": task.predecessors}
            sentence = f"Waits for {task.waiting_on} of the {task.predecessors} tasks that come before it."
            return Explanation(task, "predecessors", sentence, data)
        case TaskState.ENQUEUED:
            seconds = round(max(0.0, now.now - (task.enqueued_at or now.now)), 1)
            data = {"queue": task.queue, "seconds": seconds}
            return Explanation(task, "queue", f"Was sent to the queue {task.queue!r} {seconds} s ago.", data)
        case TaskState.RUNNING:
            seconds = round(max(0.0, now.now - (task.started_at or now.now)), 1)
            data = {"worker": task.worker, "seconds": seconds, "attempt": task.attempt}
            return Explanation(task, "running", f"Has run for {seconds} s at {task.worker}.", data)
        case _:
            return _explain_ready(task, now)


def _explain_ready(task: Task, now: _Situation) -> Explanation:
    limit = now.owner.limits.running_tasks
    if task.not_before > now.now:
        seconds = round(task.not_before - now.now, 1)
        data = {"seconds": seconds, "failures": task.failures}
        return Explanation(task, "retry", f"Is tried again in {seconds} s.", data)
    if not now.is_redis_up:
        return Explanation(task, "redis", "Waits for Redis, which cannot be reached.")
    absence = _explain_absence(task, now)
    if absence is not None:
        return absence
    if limit is not None and now.in_flight >= limit:
        sentence = f"{now.in_flight} tasks of {now.owner.name!r} are under way, and {limit} are allowed."
        return Explanation(task, "owner_limit", sentence, {"limit": limit, "in_flight": now.in_flight})
    before, sent, slots = now.before.get(task.id, 0), now.sent.get(task.queue, 0), now.slots[task.queue]
    sentence = f"Waits for its turn: {before} ready tasks go before it, and {sent} were sent, to {slots} slots."
    data = {"ahead": before + sent, "ready": before, "sent": sent, "slots": slots, "priority": task.priority}
    return Explanation(task, "turn", sentence, data)


def _explain_absence(task: Task, now: _Situation) -> Explanation | None:
    """Which worker is missing, where one is."""
    data: dict[str, Any] = {"queue": task.queue, "step": task.step, "workers": len(now.workers)}
    if not any(task.step in worker.steps for worker in now.workers):
        return Explanation(task, "no_worker", f"No live worker has the step {task.step!r}.", data)
    if not now.slots.get(task.queue):
        return Explanation(task, "no_worker", f"No live worker takes the queue {task.queue!r}.", data)
    if not any(task.step in worker.steps and task.queue in worker.queues for worker in now.workers):
        sentence = f"No live worker that takes the queue {task.queue!r} has the step {task.step!r}."
        return Explanation(task, "no_worker", sentence, data)
    return None
