"""How many tasks go before one that is ready, as far as that is known before it goes."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Executor, Task
from jobengine.domain.states import TaskState


def count_before(ledger: Ledger, tasks: Sequence[Task], now: float) -> dict[str, int]:
    """How many ready tasks go before each of a job's tasks that is ready and due, by ID; ``tasks`` are oldest first.

    Those are all of a higher priority, the owner's own that are older, and as many of each other owner of this priority
    as have their turn by then.
    """
    queues: dict[str, list[Task]] = {}
    for task in tasks:
        if task.state is TaskState.READY and task.executor is Executor.WORKER and task.not_before <= now:
            queues.setdefault(task.queue, []).append(task)
    return {
        task.id: before
        for queue, ready in queues.items()
        for task, before in zip(ready, _count_in_queue(ledger, queue, ready, now), strict=True)
    }


def _count_in_queue(ledger: Ledger, queue: str, ready: Sequence[Task], now: float) -> list[int]:
    first = ready[0]
    counts = ledger.tasks.count_ready(queue, first.priority, now)
    higher = sum(count for (priority, _), count in counts.items() if priority > first.priority)
    others = [
        count
        for (priority, owner_id), count in counts.items()
        if priority == first.priority and owner_id != first.owner_id
    ]
    older = ledger.tasks.count_ready_before(first, now)
    return [
        higher + older + place + sum(min(count, older + place + 1) for count in others) for place in range(len(ready))
    ]
