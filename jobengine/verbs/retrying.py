"""Retrying a job: a new job does again what did not succeed and takes over what did."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from jobengine.domain.errors import conflict, not_found
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import can_run
from jobengine.domain.records import PROGRESS_DONE, Attempt, Job, Node, Result, Scope, StepSpec, Task
from jobengine.domain.states import TaskState
from jobengine.verbs.checking import RequestCheck
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import JobRequest
from jobengine.verbs.submission import NewJob, build_job, count_tasks, insert_jobs, pass_by_newest

Spot = tuple[str, str | None]
"""Node key and file ID: where a task stands in its job, and in a retry of it."""


def retry_job(outside: Outside, plans: Plans, owner_id: str | None, job_id: str) -> Job:
    """A new job in place of one that has ended; raises EngineError(CONFLICT) when there is nothing to do again.

    A task is taken over when it and everything it was made from succeeded: a table over half of the files is made anew.
    """
    with outside.store.begin() as ledger:
        old = ledger.jobs.fetch([job_id], lock=True).get(job_id)
        if old is None or owner_id not in (None, old.owner_id):
            raise not_found("job", job_id)
        if not old.state.is_final:
            raise conflict(f"The job is still {old.state.value}; cancel it or wait until it has ended.")
        request = _as_request(old, ledger.jobs.file_ids(job_id))
        check = RequestCheck(outside, plans, ledger, [request])
        pipeline = check.request(0, request)
        pass_by_newest(outside, ledger)
        now = outside.clock()
        fresh = build_job(outside, request, pipeline, check.steps, now)
        succeeded = {(task.node, task.file_id): task for task in ledger.tasks.of_jobs([job_id], [TaskState.SUCCEEDED])}
        kept = _reusable(fresh.tasks, succeeded.keys(), pipeline.nodes, check.steps)
        if len(kept) == len(fresh.tasks):
            raise conflict("Every task of the job succeeded; there is nothing to do again.")
        new = _take_over(fresh, old, kept, pipeline.nodes, check.steps, now)
        insert_jobs(ledger, [new])
        _copy_results(outside, ledger, new, {spot: succeeded[spot] for spot in kept}, now)
        return new.job


def _as_request(old: Job, file_ids: Sequence[str]) -> JobRequest:
    return JobRequest(
        owner_id=old.owner_id,
        pipeline=old.pipeline_id,
        file_ids=tuple(file_ids),
        parameters=old.parameters,
        name=old.name,
        labels=old.labels,
        priority=old.priority,
        tolerated_failures=old.tolerated_failures,
        parent_id=old.parent_id,
        batch_id=old.batch_id,
    )


def _reusable(
    tasks: Sequence[Task], succeeded: Collection[Spot], nodes: Sequence[Node], steps: Mapping[str, StepSpec]
) -> set[Spot]:
    """The spots whose task succeeded on predecessors that all did; ``tasks`` come in the order of the plan."""
    files = {task.file_id for task in tasks if task.file_id is not None}
    kept: set[Spot] = set()
    for task in tasks:
        spot = (task.node, task.file_id)
        if spot in succeeded and all(place in kept for place in _spots_before(task, nodes, steps, files)):
            kept.add(spot)
    return kept


def _spots_before(
    task: Task, nodes: Sequence[Node], steps: Mapping[str, StepSpec], files: Collection[str | None]
) -> list[Spot]:
    node = next(node for node in nodes if node.key == task.node)
    spots: list[Spot] = []
    for before in (other for other in nodes if other.key in node.after):
        if steps[before.step].scope is Scope.JOB:
            spots.append((before.key, None))
        elif task.file_id is not None:
            spots.append((before.key, task.file_id))
        else:
            spots += [(before.key, file_id) for file_id in files]
    return spots


def _take_over(
    fresh: NewJob, old: Job, kept: set[Spot], nodes: Sequence[Node], steps: Mapping[str, StepSpec], now: float
) -> NewJob:
    """The fresh job with the kept tasks final already, and the others waiting on what is left."""
    files = {task.file_id for task in fresh.tasks if task.file_id is not None}
    tasks = []
    for task in fresh.tasks:
        if (task.node, task.file_id) in kept:
            done = task._replace(state=TaskState.SUCCEEDED, waiting_on=0, progress=PROGRESS_DONE, finished_at=now)
            tasks.append(done)
            continue
        left = sum(spot not in kept for spot in _spots_before(task, nodes, steps, files))
        is_free = left == 0 and can_run(
            predecessors=task.predecessors, unmet=0, requires_all=steps[task.step].requires_all
        )
        tasks.append(task._replace(waiting_on=left, state=TaskState.READY if is_free else TaskState.WAITING))
    job = replace(fresh.job, retry_of=old.id, counts=count_tasks(tasks), progress=sum(task.progress for task in tasks))
    return NewJob(job, tuple(tasks), fresh.file_ids)


def _copy_results(outside: Outside, ledger: Ledger, new: NewJob, old_tasks: Mapping[Spot, Task], now: float) -> None:
    """Give the kept tasks results of their own, on the same bytes, and the attempt that says so."""
    kept = {(task.node, task.file_id): task for task in new.tasks if task.state is TaskState.SUCCEEDED}
    places = [(old.job_id, node, file_id) for (node, file_id), old in old_tasks.items()]
    owners: dict[str, tuple[Task, Result]] = {}
    for (_, node, file_id), results in ledger.results.of_places(places).items():
        owners.update({result.id: (kept[node, file_id], result) for result in results})
    copies = {
        old_id: result._replace(id=outside.ids.new(), job_id=task.job_id, task_id=task.id, created_at=now)
        for old_id, (task, result) in owners.items()
    }
    artifacts = [
        replace(
            artifact,
            id=outside.ids.new(),
            job_id=new.job.id,
            task_id=copies[artifact.result_id].task_id,
            result_id=copies[artifact.result_id].id,
            created_at=now,
        )
        for artifact in (ledger.results.artifacts(result_ids=list(copies)) if copies else [])
    ]
    ledger.results.insert(list(copies.values()), artifacts)
    ledger.results.insert_attempts([_reused_attempt(task, old_tasks[spot], now) for spot, task in kept.items()])


def _reused_attempt(task: Task, old: Task, now: float) -> Attempt:
    return Attempt(
        task_id=task.id,
        number=task.attempt,
        job_id=task.job_id,
        outcome="reused",
        accepted=True,
        delivery_id=None,
        worker=None,
        enqueued_at=None,
        started_at=None,
        finished_at=now,
        message=f"Taken over from the task {old.id}.",
    )
