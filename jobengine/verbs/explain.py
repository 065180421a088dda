"""Why each unfinished task of a job is where it is: in one sentence, and in data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobengine.domain.filters import TaskFilter
from jobengine.domain.interfaces import Ledger
from jobengine.domain.records import Executor, Job, Owner, Task, WorkerRecord
from jobengine.domain.states import FINAL_STATES, TaskState
from jobengine.verbs.dispatch import live_workers, slots_by_queue

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
    ahead: Mapping[str, int]
    redis: str


def explain_job(ledger: Ledger, job: Job, redis: str, now: float) -> list[Explanation]:
    """Up to TASKS_LIMIT unfinished tasks, oldest first; ``redis`` is ``ok`` or what is wrong with it."""
    tasks = ledger.tasks.of_jobs([job.id], _UNFINISHED)[:TASKS_LIMIT]
    workers = live_workers(ledger.catalog.workers(), now)
    by_owner, _ = ledger.tasks.count_in_flight()
    situation = _Situation(
        now=now,
        workers=workers,
        slots=slots_by_queue(workers, now),
        owner=ledger.owners.fetch([job.owner_id])[job.owner_id],
        in_flight=by_owner.get(job.owner_id, 0),
        ahead=_ahead(ledger, {task.step for task in tasks if task.state is TaskState.READY}),
        redis=redis,
    )
    return [_explain(task, situation) for task in tasks]


def _ahead(ledger: Ledger, steps: set[str]) -> dict[str, int]:
    """How many tasks of each step are sent and not begun."""
    return {step: ledger.tasks.count(TaskFilter(step=step, states=(TaskState.ENQUEUED,))) for step in sorted(steps)}


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
        data = {"seconds": seconds, "failures": task.failures, "last_failure": task.message}
        return Explanation(task, "retry", f"Is tried again in {seconds} s, after: {task.message}", data)
    if now.redis != "ok":
        return Explanation(task, "redis", "Waits for Redis, which cannot be reached.", {"redis": now.redis})
    if not any(task.step in worker.steps for worker in now.workers):
        sentence = f"No live worker has the step {task.step!r}."
        return Explanation(task, "no_worker", sentence, {"step": task.step, "workers": len(now.workers)})
    if not now.slots.get(task.queue):
        sentence = f"No live worker takes the queue {task.queue!r}."
        return Explanation(task, "no_worker", sentence, {"queue": task.queue, "workers": len(now.workers)})
    if limit is not None and now.in_flight >= limit:
        sentence = f"{now.in_flight} tasks of {now.owner.name!r} are under way, and {limit} are allowed."
        return Explanation(task, "owner_limit", sentence, {"limit": limit, "in_flight": now.in_flight})
    ahead, slots = now.ahead.get(task.step, 0), now.slots[task.queue]
    sentence = f"Waits for its turn: {ahead} tasks of its step were sent before it, to {slots} slots."
    return Explanation(task, "turn", sentence, {"ahead": ahead, "slots": slots, "priority": task.priority})
