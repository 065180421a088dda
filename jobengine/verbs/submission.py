"""Accepting jobs: everything is checked first, then written in one transaction, all or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jobengine.domain.errors import EngineError, ErrorCode, conflict, invalid
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import count_planned, executor_of, plan_tasks
from jobengine.domain.records import Batch, Counts, Job, Pipeline, StepSpec, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.checking import RequestCheck
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import JobRequest, Submission

IDEMPOTENCY_SECONDS = 86_400.0
"""How long an Idempotency-Key is remembered."""

Render = Callable[[Sequence[Job], Batch | None], str]
"""What is answered to a submission, in the words of whoever submits."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that was checked, with the rows it will start from."""

    job: Job
    tasks: tuple[Task, ...]
    file_ids: tuple[str, ...]


def submit_jobs(
    outside: Outside,
    plans: Plans,
    requests: Sequence[JobRequest],
    *,
    batch: Batch | None = None,
    idempotency_key: str | None = None,
    body_digest: str | None = None,
    render: Render | None = None,
) -> Submission:
    """Accept jobs; see ``Engine.submit_many``."""
    owner_id = requests[0].owner_id if requests else ""
    key = (owner_id, idempotency_key, body_digest or "") if idempotency_key else None
    try:
        with outside.store.begin() as ledger:
            replayed = _recall(ledger, key)
            return replayed or write_jobs(outside, plans, ledger, requests, batch, key, render or _render_ids)
    except EngineError as error:
        if key is None or error.code is not ErrorCode.CONFLICT:
            raise
        # The same key may have been committed by another process since we looked.
        with outside.store.read() as ledger:
            replayed = _recall(ledger, key)
        if replayed is None:
            raise
        return replayed


def _render_ids(jobs: Sequence[Job], batch: Batch | None) -> str:
    return json.dumps([job.id for job in jobs])


def write_jobs(
    outside: Outside,
    plans: Plans,
    ledger: Ledger,
    requests: Sequence[JobRequest],
    batch: Batch | None = None,
    key: tuple[str, str, str] | None = None,
    render: Render = _render_ids,
) -> Submission:
    """Check the requests and write their jobs, and the answer under its idempotency key."""
    check = RequestCheck(outside, plans, ledger, requests, is_batch=batch is not None)
    pass_by_newest(outside, ledger)
    now = outside.clock()
    new: list[NewJob] = []
    for index, request in enumerate(requests):
        pipeline = check.request(index, request)
        try:
            if batch is not None and new and pipeline.id != new[0].job.pipeline_id:
                raise invalid("The jobs of a batch run one pipeline, and this is not that of the first.", "pipeline")
            new.append(build_job(outside, request, pipeline, check.steps, now))
        except EngineError as error:
            raise check.placed(index, error) from None
    if batch is not None:
        # The name as the pipeline has it: a request may name a version, or an ID.
        batch = replace(batch, pipeline_name=new[0].job.pipeline_name, job_count=len(new))
        ledger.owners.insert_batches([batch])
    insert_jobs(ledger, new)
    jobs = tuple(entry.job for entry in new)
    answer = render(jobs, batch)
    if key is not None:
        ledger.jobs.remember_request(*key, answer, now + IDEMPOTENCY_SECONDS)
    return Submission(answer, jobs)


def insert_jobs(ledger: Ledger, new: Sequence[NewJob]) -> None:
    """Write checked jobs and their tasks."""
    ledger.jobs.insert([entry.job for entry in new], {entry.job.id: entry.file_ids for entry in new})
    ledger.tasks.insert([task for entry in new for task in entry.tasks])


def pass_by_newest(outside: Outside, ledger: Ledger) -> None:
    """Let the jobs of this transaction follow those that are there, whatever clock those were made by."""
    newest = ledger.jobs.newest_id()
    if newest is not None:
        outside.ids.pass_by(newest)


def build_job(
    outside: Outside, request: JobRequest, pipeline: Pipeline, steps: Mapping[str, StepSpec], now: float
) -> NewJob:
    """The rows of a checked request; raises EngineError(TOO_LARGE) when it has too many tasks."""
    # Counted first: a hundred steps on each of many files would fill the memory before they were refused.
    count, limit = count_planned(pipeline.nodes, steps, len(request.file_ids)), outside.settings.job_tasks_limit
    if count > limit:
        message = f"The job would have {count} tasks; the limit is {limit}."
        raise EngineError(ErrorCode.TOO_LARGE, message, field="files")
    planned = plan_tasks(pipeline.nodes, steps, request.file_ids)
    job = Job(
        id=outside.ids.new(),
        owner_id=request.owner_id,
        name=request.name,
        pipeline_id=pipeline.id,
        pipeline_name=pipeline.name,
        pipeline_version=pipeline.version,
        state=JobState.PENDING,
        counts=Counts(),
        progress=0,
        priority=request.priority,
        created_at=now,
        parameters=request.parameters,
        labels=request.labels,
        tolerated_failures=request.tolerated_failures,
        parent_id=request.parent_id,
        batch_id=request.batch_id,
    )
    tasks = tuple(
        Task(
            id=outside.ids.new(),
            job_id=job.id,
            owner_id=job.owner_id,
            node=plan.node.key,
            step=plan.node.step,
            file_id=plan.file_id,
            state=TaskState.WAITING if plan.predecessors else TaskState.READY,
            priority=job.priority,
            created_at=now,
            executor=executor_of(plan.node.step),
            queue=steps[plan.node.step].queue,
            predecessors=plan.predecessors,
            waiting_on=plan.predecessors,
        )
        for plan in planned
    )
    return NewJob(replace(job, counts=count_tasks(tasks)), tasks, request.file_ids)


def count_tasks(tasks: Iterable[Task]) -> Counts:
    """How many of these tasks are in each state."""
    counts = dict.fromkeys(TaskState, 0)
    for task in tasks:
        counts[task.state] += 1
    return Counts(**{state.value: count for state, count in counts.items()})


def _recall(ledger: Ledger, key: tuple[str, str, str] | None) -> Submission | None:
    if key is None:
        return None
    owner_id, name, digest = key
    kept = ledger.jobs.recall_request(owner_id, name)
    if kept is None:
        return None
    if kept[0] != digest:
        raise conflict("This Idempotency-Key was used with another body; use a new one.", "Idempotency-Key")
    return Submission(kept[1], replayed=True)
