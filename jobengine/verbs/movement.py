"""Moving tasks, and all that follows: successors, counts, the state of their jobs.

Every verb that moves tasks ends here, so there is one place where a move is written, where fan-in is counted down
and where a job's state is folded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from jobengine.domain import moves
from jobengine.domain.interfaces.job_rows import JobDelta
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import Settlement, TaskChange
from jobengine.domain.pipeline import can_run
from jobengine.domain.records import Job, Task
from jobengine.domain.rollup import fold_state
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.plans import Plans

UNMET_MESSAGE = "What this step needs did not succeed."


def move_tasks(ledger: Ledger, plans: Plans, changes: Sequence[TaskChange], now: float) -> list[TaskChange]:
    """Write the changes whose guard holds, then everything that follows from them; all moves that were made."""
    moved = _write(ledger, changes)
    wave = [change for change in moved if change.after.state.is_final]
    while wave:
        followed = _write(ledger, _settle_successors(ledger, plans, wave, now))
        moved += followed
        wave = [change for change in followed if change.after.state.is_final]
    if moved:
        fold_jobs(ledger, ledger.jobs.add_deltas(_deltas(moved)), now)
    return moved


def fold_jobs(ledger: Ledger, jobs: Iterable[Job], now: float) -> None:
    """Write the state that the counts of these jobs add up to, where it is another one."""
    changes = []
    for job in jobs:
        state = fold_state(
            job.counts,
            has_ever_started=job.started_at is not None,
            tolerated_failures=job.tolerated_failures,
            is_cancel_requested=job.canceled_at is not None,
        )
        if state is not job.state:
            changes.append((job, replace(job, state=state, finished_at=now if state.is_final else None)))
    if changes:
        ledger.jobs.write(changes)


def is_open(job: Job) -> bool:
    """Whether tasks of the job can still move."""
    return job.state in (JobState.PENDING, JobState.RUNNING)


def _write(ledger: Ledger, changes: Sequence[TaskChange]) -> list[TaskChange]:
    if not changes:
        return []
    moved = ledger.tasks.write(changes)
    return [change for change in changes if change.after.id in moved]


def _settle_successors(ledger: Ledger, plans: Plans, finals: Sequence[TaskChange], now: float) -> list[TaskChange]:
    """Count the successors of tasks that became final down; the moves of those that wait on nothing now."""
    settlements = _settlements(ledger, plans, [change.after for change in finals])
    if not settlements:
        return []
    steps = plans.steps(ledger)
    freed = ledger.tasks.settle(settlements)
    return [TaskChange(task, _release_or_cancel(task, steps[task.step].requires_all, now)) for task in freed]


def _release_or_cancel(task: Task, requires_all: bool, now: float) -> Task:
    if can_run(predecessors=task.predecessors, unmet=task.unmet, requires_all=requires_all):
        return moves.release(task)
    return moves.cancel(task, UNMET_MESSAGE, now)


def _settlements(ledger: Ledger, plans: Plans, finals: Sequence[Task]) -> list[Settlement]:
    jobs = ledger.jobs.fetch({task.job_id for task in finals})
    plans.load(ledger, {job.pipeline_id for job in jobs.values()})
    steps = plans.steps(ledger)
    done: Counter[tuple[str, str, str | None]] = Counter()
    unmet: Counter[tuple[str, str, str | None]] = Counter()
    for task in finals:
        for successor in plans.successors(jobs[task.job_id].pipeline_id, task.node):
            is_same_file = plans.joins_same_file(task.file_id, successor, steps)
            place = (task.job_id, successor.key, task.file_id if is_same_file else None)
            done[place] += 1
            unmet[place] += task.state is not TaskState.SUCCEEDED
    return [Settlement(*place, done=count, unmet=unmet[place]) for place, count in sorted(done.items(), key=repr)]


def _deltas(changes: Sequence[TaskChange]) -> list[JobDelta]:
    counts: defaultdict[str, Counter[TaskState]] = defaultdict(Counter)
    progress: Counter[str] = Counter()
    started: dict[str, float] = {}
    for before, after in changes:
        count = counts[after.job_id]
        if before.state is not after.state:
            count[before.state] -= 1
            count[after.state] += 1
        progress[after.job_id] += after.progress - before.progress
        if after.started_at is not None:
            started[after.job_id] = min(after.started_at, started.get(after.job_id, after.started_at))
    return [JobDelta(job_id, count, progress[job_id], started.get(job_id)) for job_id, count in sorted(counts.items())]
