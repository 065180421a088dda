"""Dispatching: ready tasks become enqueued and go to the workers in deliveries.

Rules:
1. The backlog stays in the ledger. Of each queue, only so much is sent as its live workers do within a window of time.
2. The ledger is written first. A delivery that then fails to leave is found by the rescuer like one that was lost.
3. A step that no live worker of its queue has stays in the ledger, and holds up nothing else.
4. Where an owner's running tasks are limited, one engine at a time counts them and sends more.
5. A task that took a worker down travels alone from then on, so that it cannot hurt others in its delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from jobengine.config import Settings
from jobengine.domain import moves
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.pace import Pace
from jobengine.domain.records import StepSpec, Task, WorkerRecord
from jobengine.verbs.deliveries import build_deliveries
from jobengine.verbs.movement import move_tasks
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

WORKER_SILENCE_SECONDS = 30.0
"""A worker that was silent for longer gets no share of the window."""

_TASKS_AT_ONCE = 1000


def dispatch_tasks(outside: Outside, plans: Plans, pace: Pace) -> int:
    """Send what there is room for, each queue by itself; how many tasks left."""
    # Nothing is taken from the ledger while nothing can be sent: it would only have to be rescued.
    outside.transport.check()
    now = outside.clock()
    with outside.store.begin() as ledger:
        workers = live_workers(ledger.catalog.workers(), now)
        slots = slots_by_queue(workers, now)
        limits = _limits(ledger)
        counted = ledger.owners.claim_counting(limits)
        # After the claim: what the engine before us has sent is seen.
        in_flight, enqueued = ledger.tasks.count_in_flight()
        busy, caps = Counter(in_flight), _caps(limits, counted)
        steps = plans.steps(ledger, {step for worker in workers for step in worker.steps})
        changes: list[TaskChange] = []
        for queue, count in sorted(slots.items()):
            ahead = {step: tasks for (name, step), tasks in enqueued.items() if name == queue}
            absent = _absent_steps(steps, workers, queue)
            chosen = _choose(ledger, pace, queue, count, ahead, busy, caps, absent, outside, may_wait=not changes)
            changes += _assign(outside, pace, steps, chosen, count, now)
            busy.update(task.owner_id for task in chosen)
        moved = move_tasks(ledger, plans, changes, now)
    tasks = [change.after for change in moved]
    deliveries = build_deliveries(outside, plans, tasks) if tasks else []
    if deliveries:
        outside.transport.send(deliveries)
    return len(tasks)


def slots_by_queue(workers: Iterable[WorkerRecord], now: float) -> Counter[str]:
    """How many tasks the live workers of each queue run at a time."""
    slots: Counter[str] = Counter()
    for worker in live_workers(workers, now):
        for queue in worker.queues:
            slots[queue] += worker.slots
    return slots


def live_workers(workers: Iterable[WorkerRecord], now: float) -> list[WorkerRecord]:
    """Those that were heard from lately."""
    return [worker for worker in workers if now - worker.last_seen_at < WORKER_SILENCE_SECONDS]


def _choose(
    ledger: Ledger,
    pace: Pace,
    queue: str,
    slots: int,
    ahead: Mapping[str, int],
    busy: Mapping[str, int],
    caps: Mapping[str, int],
    absent: Collection[str],
    outside: Outside,
    *,
    may_wait: bool,
) -> list[Task]:
    """Ready tasks of the queue in the order to go in, as many as the window has room for.

    Besides the window, every slot may have one task waiting for it, however long tasks last.
    """
    window = outside.settings.window_seconds * slots
    seconds, count = pace.queued_seconds(ahead), sum(ahead.values())
    if seconds >= window and count >= slots:
        return []
    chosen = []
    picked = ledger.tasks.pick_ready(
        queue, outside.clock(), _TASKS_AT_ONCE, busy, caps, without_steps=absent, may_wait=may_wait
    )
    for task in picked:
        if seconds >= window and count >= slots:
            break
        seconds += pace.seconds(task.step)
        count += 1
        chosen.append(task)
    return chosen


def _assign(
    outside: Outside, pace: Pace, steps: Mapping[str, StepSpec], tasks: Sequence[Task], slots: int, now: float
) -> list[TaskChange]:
    """Cut the tasks into deliveries of one step and one priority; the moves that put them there."""
    groups: dict[tuple[str, ...], list[Task]] = {}
    for task in tasks:
        loner = task.id if task.losses else ""
        groups.setdefault((task.step, str(task.priority), loner), []).append(task)
    changes = []
    for (step, *_), group in groups.items():
        most = _most_tasks(outside.settings, steps.get(step))
        size = pace.delivery_size(step, most, len(group), slots)
        for start in range(0, len(group), size):
            delivery_id = outside.ids.new()
            changes += [
                TaskChange(task, moves.dispatch(task, delivery_id, now)) for task in group[start : start + size]
            ]
    return changes


def _most_tasks(settings: Settings, spec: StepSpec | None) -> int:
    if settings.tasks_per_delivery:
        return settings.tasks_per_delivery
    return spec.tasks_per_delivery if spec else 1


def _absent_steps(steps: Iterable[str], workers: Iterable[WorkerRecord], queue: str) -> set[str]:
    """The steps that none of the queue's workers has, also those that newer tasks would take to another queue."""
    return set(steps).difference(*(worker.steps for worker in workers if queue in worker.queues))


def _limits(ledger: Ledger) -> dict[str, int]:
    """How many tasks each limited owner may have in flight."""
    limits = {owner.id: owner.limits.running_tasks for owner in ledger.owners.all()}
    return {owner_id: limit for owner_id, limit in limits.items() if limit is not None}


def _caps(limits: Mapping[str, int], counted: Collection[str]) -> dict[str, int]:
    """How many tasks each limited owner may have in flight; none more where another engine is at it."""
    return {owner_id: limit if owner_id in counted else 0 for owner_id, limit in limits.items()}
