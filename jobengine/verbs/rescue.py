"""Rescuing: tasks whose worker went silent, or whose message is gone, become ready again.

Rules:
1. A lease counts as lapsed only when every report that could have renewed it is in the ledger: what matters is not
   now, but now less the age of the oldest report that nobody has recorded yet.
2. A delivery that seems gone is first *withdrawn*: from then on no worker can claim it. If the ticket was still there,
   nobody ever had it, and its tasks go again at once. If not, somebody may have claimed it just before; so its tasks go
   again only when all reports up to the withdrawal are recorded and still nobody holds a lease.
3. What was lost on the way again and again goes again after ever longer pauses: something is wrong with the way.
4. After a time in which leases may have run short, workers first get the time to renew: when Redis was away, or nobody
   looked, as the machine slept or its clock was set ahead.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from jobengine.domain import moves
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.records import Task
from jobengine.domain.states import FailureKind, MoveRefused, TaskState
from jobengine.verbs.attempts import ended_attempt
from jobengine.verbs.movement import move_tasks
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

log = logging.getLogger(__name__)

ATTEMPTS_LIMIT = 50
"""A task that was rescued this often is failed: whatever the reason, it will not get better."""

# So many deliveries in a row are lost where Redis itself comes and goes; that is no reason to wait.
_FREE_ATTEMPTS = 10
_LONGEST_PAUSE_SECONDS = 60.0
_TASKS_AT_ONCE = 2000
_GAP_SECONDS = 5.0


class Rescuer:
    """Remembers which deliveries it withdrew and is not sure of yet, when it looked last, until when it holds back."""

    def __init__(self, outside: Outside, plans: Plans) -> None:
        self._outside = outside
        self._plans = plans
        self._withdrawn_at: dict[str, float] = {}
        self._looked_at = outside.clock()
        self._leases_count_from = outside.clock() + self._renewal_seconds

    def rescue(self) -> int:
        """Look for both kinds of loss; how many tasks were made ready again or failed for good."""
        # With short leases as well it is no gap when a round is late.
        self._hold_back(max(self._outside.settings.lease_seconds / 3, _GAP_SECONDS))
        try:
            unrecorded = self._outside.transport.backlog_seconds()
            now = self._outside.clock()
            rescued = self._rescue_missing(now, unrecorded)
        except EngineError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                self._hold_back(self._outside.settings.lease_seconds / 3)
            raise
        if now >= self._leases_count_from:
            rescued += self._rescue_lapsed(now, unrecorded)
        # Not when the round began: one that takes long is no reason to hold back, and the next may take as long.
        self._looked_at = self._outside.clock()
        return rescued

    @property
    def _renewal_seconds(self) -> float:
        """How long every worker needs to renew: it does so after a third of a lease, and is recorded a moment later."""
        return self._outside.settings.lease_seconds / 2

    def _hold_back(self, gap_seconds: float) -> None:
        """Until workers can have renewed; in a shorter gap no lease has got nearer to its end than that takes."""
        now = self._outside.clock()
        if now - self._looked_at > gap_seconds:
            self._leases_count_from = now + self._renewal_seconds

    def _rescue_lapsed(self, now: float, unrecorded: float) -> int:
        with self._outside.store.begin() as ledger:
            seen = [task.id for task in ledger.tasks.lapsed(now - unrecorded, _TASKS_AT_ONCE)]
            # Once they are locked nobody renews them any more; before that, another engine may have.
            lapsed = [
                task for task in ledger.tasks.fetch(seen, lock=True).values() if _has_lapsed(task, now - unrecorded)
            ]
            return self._move(ledger, lapsed, "The worker went silent and its lease lapsed.", now) if lapsed else 0

    def _rescue_missing(self, now: float, unrecorded: float) -> int:
        grace = self._outside.settings.message_grace_seconds
        with self._outside.store.read() as ledger:
            unclaimed = ledger.tasks.unclaimed(now - grace, _TASKS_AT_ONCE)
        waiting = {str(task.delivery_id) for task in unclaimed}
        self._withdrawn_at = {name: at for name, at in self._withdrawn_at.items() if name in waiting}
        gone = {name for name, at in self._withdrawn_at.items() if at < now - unrecorded}
        gone |= self._withdraw(waiting - self._withdrawn_at.keys(), now)
        return self._rescue_deliveries(gone, now) if gone else 0

    def _withdraw(self, delivery_ids: Collection[str], now: float) -> set[str]:
        """Withdraw what is missing among these; those that surely nobody has claimed."""
        missing = self._outside.transport.missing(delivery_ids) if delivery_ids else set()
        if not missing:
            return set()
        never_claimed = self._outside.transport.withdraw(sorted(missing))
        self._withdrawn_at.update(dict.fromkeys(missing - never_claimed, now))
        return never_claimed

    def _rescue_deliveries(self, delivery_ids: Collection[str], now: float) -> int:
        with self._outside.store.begin() as ledger:
            tasks = ledger.tasks.of_deliveries(sorted(delivery_ids), lock=True)
            unclaimed = [task for task in tasks if task.state is TaskState.ENQUEUED and task.lease_expires_at is None]
            return self._move(ledger, unclaimed, "Its message was lost on the way to the workers.", now)

    def _move(self, ledger: Ledger, tasks: Sequence[Task], reason: str, now: float) -> int:
        changes = []
        for task in tasks:
            try:
                changes.append(TaskChange(task, _after(task, reason, now)))
            except MoveRefused as refusal:
                log.warning("the task %s was not rescued: %s", task.id, refusal)
        moved = move_tasks(ledger, self._plans, changes, now)
        by_task = {task.id: task for task in tasks}
        own = [change for change in moved if change.after.id in by_task]
        ledger.results.insert_attempts(
            [
                ended_attempt(
                    change.before,
                    "failed" if change.after.state.is_final else "rescued",
                    now,
                    accepted=change.after.state.is_final,
                    kind=FailureKind.LOST,
                    message=reason,
                )
                for change in own
            ]
        )
        if own:
            log.warning("%d tasks were rescued: %s", len(own), reason)
        return len(own)


def _has_lapsed(task: Task, now: float) -> bool:
    return task.lease_expires_at is not None and task.lease_expires_at < now


def pause_seconds(task: Task) -> float:
    """How long a task rests whose message was lost: not at all at first, then ever longer."""
    doublings = task.attempt - _FREE_ATTEMPTS
    return (
        0.0 if doublings <= 0 or task.lease_expires_at is not None else min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**doublings)
    )


def _after(task: Task, reason: str, now: float) -> Task:
    if task.attempt >= ATTEMPTS_LIMIT:
        message = f"{reason} That was attempt {task.attempt}, and the last one."
        return moves.fail(task, task.attempt, FailureKind.LOST, message, now)
    return moves.rescue(task, task.attempt, took_worker_down=False, not_before=now + pause_seconds(task))
