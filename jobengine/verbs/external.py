"""Tasks that somebody outside drives over HTTP: the same rows, the same moves, the same guards."""

from __future__ import annotations

import json

from jobengine.domain import moves
from jobengine.domain.errors import EngineError, ErrorCode, conflict, invalid, not_found
from jobengine.domain.interfaces.job_rows import JobDelta
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.pipeline import EXTERNAL_NODE
from jobengine.domain.records import Executor, Result, Task
from jobengine.domain.states import MoveRefused, TaskState
from jobengine.verbs.attempts import ended_attempt
from jobengine.verbs.movement import fold_jobs, move_tasks
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import NewTask, TaskReport

RESEND_SECONDS = 120.0
"""How long after a task was added the same request is taken for the same, sent again."""
MESSAGE_LENGTH = 2000
"""As much is kept of what workers say."""


def add_task(outside: Outside, plans: Plans, owner_id: str | None, job_id: str, new: NewTask) -> Task:
    """Add a task to an unfinished job and, where ``new.state`` says so, move it on at once.

    Raises EngineError(CONFLICT) when the job has ended, (TOO_LARGE) when it has as many tasks as it may.
    """
    _check_message(new.message)
    now = outside.clock()
    with outside.store.begin() as ledger:
        job = ledger.jobs.fetch([job_id], lock=True).get(job_id)
        if job is None or owner_id not in (None, job.owner_id):
            raise not_found("job", job_id)
        if new.reuse_open:
            same = _same_task(ledger, job_id, new, now)
            if same is not None:
                return same
        if job.state.is_final:
            raise conflict(f"The job is {job.state.value}; a task cannot be added any more.")
        if job.counts.total >= outside.settings.job_tasks_limit:
            raise EngineError(ErrorCode.TOO_LARGE, f"The job has {job.counts.total} tasks, and may have no more.")
        task = Task(
            id=outside.ids.new(),
            job_id=job_id,
            owner_id=job.owner_id,
            node=EXTERNAL_NODE,
            step=new.worker,
            file_id=None,
            state=TaskState.READY,
            priority=job.priority,
            created_at=now,
            executor=Executor.EXTERNAL,
            message=new.message,
        )
        task = moves.dispatch(task, task.id, now)
        ledger.tasks.insert([task])
        fold_jobs(ledger, ledger.jobs.add_deltas([JobDelta(job_id, {TaskState.ENQUEUED: 1})]), now)
        if new.state is TaskState.ENQUEUED:
            return task
        return _move(outside, plans, ledger, task, TaskReport(new.state, new.message))


def move_task(outside: Outside, plans: Plans, owner_id: str | None, task_id: str, report: TaskReport) -> Task:
    """Move an external task.

    Saying again what holds already changes nothing and is no error. Raises EngineError(CONFLICT) for every other move
    that the state machine refuses, and for tasks that our own workers run, and (TOO_LARGE) for a large result.
    """
    _check_message(report.message)
    _check_result(outside, report)
    with outside.store.begin() as ledger:
        task = ledger.tasks.fetch([task_id], lock=True).get(task_id)
        if task is None or owner_id not in (None, task.owner_id):
            raise not_found("task", task_id)
        if task.executor is not Executor.EXTERNAL:
            raise conflict("This task is run by a worker of the engine and cannot be moved from outside.")
        if task.state is report.state and task.state.is_final:
            return task
        try:
            return _move(outside, plans, ledger, task, report)
        except MoveRefused as refusal:
            raise conflict(f"The task is {task.state.value}: {refusal}.", "state") from None


def _check_message(message: str) -> None:
    if len(message) > MESSAGE_LENGTH:
        raise invalid(f"A message has up to {MESSAGE_LENGTH} characters.", "message")


def _check_result(outside: Outside, report: TaskReport) -> None:
    limit = outside.settings.result_limit_bytes
    if report.result is not None and len(json.dumps(report.result)) > limit:
        raise EngineError(ErrorCode.TOO_LARGE, f"A result may have up to {limit} bytes of JSON.", field="result")


def _same_task(ledger: Ledger, job_id: str, new: NewTask, now: float) -> Task | None:
    """A task that this request may have made already: open, or made lately and ended as the request says."""
    for task in ledger.tasks.of_jobs([job_id]):
        if task.executor is Executor.EXTERNAL and task.step == new.worker:
            is_repeat = task.state is new.state and now - task.created_at < RESEND_SECONDS
            if not task.state.is_final or is_repeat:
                return task
    return None


def _move(outside: Outside, plans: Plans, ledger: Ledger, task: Task, report: TaskReport) -> Task:
    now = outside.clock()
    after = _after(task, report, now)
    change = TaskChange(task, after)
    if change not in move_tasks(ledger, plans, [change], now):
        raise conflict("The task was moved by somebody else at the same time; read it again.")
    if after.state.is_final:
        _leave_behind(outside, ledger, change, report, now)
    return after


def _after(task: Task, report: TaskReport, now: float) -> Task:
    if task.state is TaskState.READY:
        task = moves.dispatch(task, task.id, now)
    match report.state:
        case TaskState.RUNNING if task.state is TaskState.RUNNING:
            return moves.progress(task, task.attempt, report.fraction or 0.0, report.message)
        case TaskState.RUNNING:
            return moves.start(task, task.attempt, "external", now)._replace(message=report.message)
        case TaskState.SUCCEEDED:
            return moves.succeed(_begun(task, now), task.attempt, now)._replace(message=report.message)
        case TaskState.FAILED:
            return moves.fail(_begun(task, now), task.attempt, report.failure_kind, report.message, now)
        case TaskState.CANCELED:
            return moves.cancel(task, report.message, now)
        case _:
            raise invalid("A task is moved to running, succeeded, failed or canceled.", "state")


def _begun(task: Task, now: float) -> Task:
    """The task with a time at which it began, also when nobody said so."""
    return task if task.started_at is not None else task._replace(started_at=now)


def _leave_behind(outside: Outside, ledger: Ledger, change: TaskChange, report: TaskReport, now: float) -> None:
    before, after = change.before, change.after
    if after.state is TaskState.SUCCEEDED:
        result = Result(
            id=outside.ids.new(),
            job_id=after.job_id,
            task_id=after.id,
            owner_id=after.owner_id,
            kind=report.result_kind,
            step=after.step,
            file_id=after.file_id,
            data=report.result or {},
            created_at=now,
        )
        ledger.results.insert([result], [])
    attempt = ended_attempt(
        before._replace(attempt=after.attempt, enqueued_at=after.enqueued_at, started_at=after.started_at),
        after.state.value,
        now,
        accepted=after.state is not TaskState.CANCELED,
        kind=after.failure_kind,
        message=after.message,
    )
    ledger.results.insert_attempts([attempt])
