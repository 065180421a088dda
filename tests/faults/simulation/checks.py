"""What must hold when a run has come to rest, whatever went wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from jobengine.domain.audit import Difference, Invariant
from jobengine.domain.filters import Page, ResultFilter, TaskFilter
from jobengine.domain.ids import IdSource
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Attempt, Job, Node, Result, Scope, Task
from jobengine.domain.retry import POISON_LOSSES
from jobengine.domain.states import FINAL_STATES, FailureKind, TaskState
from jobengine.verbs.auditing import audit_system
from jobengine.verbs.movement import UNMET_MESSAGE
from jobengine.verbs.outside import Outside
from tests.faults.simulation.catalog import PIPELINES, STEPS, true_value
from tests.faults.simulation.scene import Scene

ALL = Page(limit=None, descending=False)
_FINAL = tuple(state.value for state in FINAL_STATES)
_NODES = {spec.name: {node.key: node for node in spec.nodes} for spec in PIPELINES}
_SCOPES = {step.name: step.scope for step in STEPS}


def check_scene(scene: Scene) -> Iterator[str]:
    """Every sentence is something that may never be."""
    for (what,) in scene.ledger.ask("SELECT what FROM watch"):
        yield str(what)
    gone: dict[str, str] = dict(scene.ledger.ask("SELECT job_id, state FROM gone"))
    with scene.ledger.store.read() as rows:
        found = _read(rows)
        for accepted in scene.accepted.values():
            if accepted.job_id in found.jobs or accepted.is_deleted:
                continue
            was_pruned = scene.settings.job_retention_days and gone.get(accepted.job_id) in _FINAL
            if not was_pruned:
                yield f"the job {accepted.job_id} was accepted and is lost"
        for job in found.jobs.values():
            if not job.state.is_final:
                yield f"the job {job.id} never ended: {job.counts}"
        for task in found.tasks.values():
            yield from _check_task(scene, found, task)
    yield from map(str, _audit(scene))


def check_meanwhile(scene: Scene) -> Iterator[str]:
    """What holds at any moment, in the middle of whatever goes wrong: rows never contradict each other."""
    takes_time = (Invariant.LEASES, Invariant.DELIVERIES, Invariant.TICKETS)
    yield from (str(found) for found in _audit(scene) if found.invariant not in takes_time)


def _audit(scene: Scene) -> list[Difference]:
    clock = scene.process("audit").clock
    ids = IdSource(clock, lambda bits: 0)
    outside = Outside(scene.ledger.store, scene.broker, scene.artifacts, clock, ids, scene.settings)
    return audit_system(outside, with_hashes=True)


@dataclass(slots=True)
class _Found:
    """All that the ledger holds at the end."""

    jobs: dict[str, Job]
    files: dict[str, list[str]]
    tasks: dict[str, Task]
    attempts: dict[str, list[Attempt]]
    results: dict[str, list[Result]]

    def values(self, job_id: str, node: str, file_id: str | None) -> list[str]:
        """What the tasks of a node made, those on the file or all."""
        return [
            str(result.data["value"])
            for task_id, results in self.results.items()
            for result in results
            if (task := self.tasks[task_id]).job_id == job_id
            and task.node == node
            and file_id in (None, task.file_id)
            and task.state is TaskState.SUCCEEDED
        ]


def _read(rows: Ledger) -> _Found:
    tasks = {task.id: task for task in rows.tasks.page(TaskFilter(), ALL)}
    jobs = rows.jobs.fetch({task.job_id for task in tasks.values()})
    attempts: dict[str, list[Attempt]] = {}
    for attempt in rows.results.attempts(tasks):
        attempts.setdefault(attempt.task_id, []).append(attempt)
    results: dict[str, list[Result]] = {}
    for result in rows.results.page(ResultFilter(), ALL):
        results.setdefault(result.task_id, []).append(result)
    return _Found(jobs, {job_id: rows.jobs.file_ids(job_id) for job_id in jobs}, tasks, attempts, results)


def _check_task(scene: Scene, found: _Found, task: Task) -> Iterator[str]:
    if not task.state.is_final:
        yield f"the task {task.id} never ended: it is {task.state.value} in attempt {task.attempt}"
        return
    accepted = [attempt for attempt in found.attempts.get(task.id, ()) if attempt.accepted]
    results = found.results.get(task.id, [])
    if len(accepted) != (task.state is not TaskState.CANCELED):
        yield f"the {task.state.value} task {task.id} has {len(accepted)} accepted attempts"
    if len(results) != (task.state is TaskState.SUCCEEDED):
        yield f"the {task.state.value} task {task.id} has {len(results)} results"
    elif results:
        yield from _check_result(found, task, accepted[0], results[0])
    yield from _check_end(scene, found, task)


def _check_end(scene: Scene, found: _Found, task: Task) -> Iterator[str]:
    """A task ends as it truly is: only who took its process down three times is failed for that."""
    if task.state is TaskState.FAILED and scene.nature(task.id).ends_well:
        is_poison = task.failure_kind is FailureKind.LOST and scene.deaths[task.id] >= POISON_LOSSES
        if not is_poison:
            yield f"the {scene.nature(task.id).value} task {task.id} failed: {task.failure_kind} {task.message}"
    if task.state is TaskState.SUCCEEDED and not scene.nature(task.id).ends_well and task.attempt > 0:
        yield f"the {scene.nature(task.id).value} task {task.id} succeeded"
    job = found.jobs[task.job_id]
    if task.state is TaskState.CANCELED and job.canceled_at is None and task.message != UNMET_MESSAGE:
        yield f"the task {task.id} is canceled, and nobody canceled its job"


def _check_result(found: _Found, task: Task, accepted: Attempt, result: Result) -> Iterator[str]:
    job = found.jobs[task.job_id]
    node = _NODES[job.pipeline_name][task.node]
    if (result.job_id, result.owner_id) != (task.job_id, task.owner_id):
        yield f"the result of {task.id} belongs to the job {result.job_id}"
    if accepted.outcome != "reused" and (
        (result.data["attempt"], result.data["delivery"]) != (accepted.number, accepted.delivery_id)
    ):
        yield f"attempt {accepted.number} of {task.id} was accepted with what another made: {json.dumps(result.data)}"
    if node.from_parent and job.parent_id not in found.jobs:
        return
    files = [task.file_id] if task.file_id is not None else found.files[job.id]
    expected = true_value(task.step, node.parameters, [file for file in files if file], _before(found, job, task, node))
    if result.data["value"] != expected:
        yield f"the result of {task.id} ({task.step}) is not true"


def _before(found: _Found, job: Job, task: Task, node: Node) -> list[str]:
    values = []
    for key in node.after:
        is_on_file = _SCOPES[_NODES[job.pipeline_name][key].step] is Scope.FILE
        values += found.values(job.id, key, task.file_id if is_on_file else None)
    for key in node.from_parent:
        values += found.values(str(job.parent_id), key, task.file_id)
    return values
