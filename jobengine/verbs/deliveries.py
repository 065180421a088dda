"""Building deliveries: all that the tasks need travels with them, or as a manifest where it is much."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from jobengine.domain.errors import EngineError
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.interfaces.result_rows import Place
from jobengine.domain.records import Artifact, File, Job, Node, Scope, StepSpec, Task
from jobengine.domain.reports import (
    Delivery,
    DeliveryFile,
    DeliveryPredecessor,
    DeliveryTask,
    SavedArtifact,
    encode_manifest,
)
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans

log = logging.getLogger(__name__)


def build_deliveries(outside: Outside, plans: Plans, tasks: Sequence[Task]) -> list[Delivery]:
    """The deliveries that tasks were dispatched in, in the order of their first tasks.

    One that cannot be built is left out and holds up no other; the rescuer finds its tasks.
    """
    with outside.store.read() as ledger:
        contents = _Contents(ledger, plans, tasks)
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(str(task.delivery_id), []).append(task)
    built = (_delivery(outside, contents, group) for group in groups.values())
    return [delivery for delivery in built if delivery is not None]


class _Contents:
    """What the tasks of one round need, read from the ledger in a few plural reads."""

    def __init__(self, ledger: Ledger, plans: Plans, tasks: Sequence[Task]) -> None:
        self._plans = plans
        self._jobs = ledger.jobs.fetch({task.job_id for task in tasks})
        plans.load(ledger, {job.pipeline_id for job in self._jobs.values()})
        self.steps: Mapping[str, StepSpec] = plans.steps(ledger, {task.step for task in tasks})
        # A job may have been deleted since its tasks were dispatched; its deliveries are then never sent.
        known = [task for task in tasks if task.job_id in self._jobs]
        places = {place for task in known for place in self._places(task)}
        self._results = ledger.results.of_places(places) if places else {}
        self._artifacts = self._read_artifacts(ledger)
        self._file_ids = {task.job_id: ledger.jobs.file_ids(task.job_id) for task in known if task.file_id is None}
        wanted = {task.file_id for task in known if task.file_id is not None}
        wanted |= {file_id for ids in self._file_ids.values() for file_id in ids}
        wanted |= {result.file_id for rows in self._results.values() for result in rows if result.file_id is not None}
        self._files = ledger.files.fetch(wanted) if wanted else {}

    def task(self, task: Task) -> DeliveryTask:
        """The task with its parameters, files and predecessors."""
        job, node = self._job_and_node(task)
        file_ids = [task.file_id] if task.file_id is not None else self._file_ids.get(task.job_id, [])
        return DeliveryTask(
            task_id=task.id,
            attempt=task.attempt,
            job_id=task.job_id,
            parameters={**node.parameters, **job.parameters.get(node.key, {})},
            files=tuple([_file(self._files[file_id]) for file_id in file_ids if file_id in self._files]),
            predecessors=tuple(self._predecessors(task)) if self._results else (),
        )

    def has(self, task: Task) -> bool:
        """Whether the job of the task is still there."""
        return task.job_id in self._jobs

    def _job_and_node(self, task: Task) -> tuple[Job, Node]:
        job = self._jobs[task.job_id]
        return job, self._plans.node(job.pipeline_id, task.node)

    def _places(self, task: Task) -> list[Place]:
        job, node = self._job_and_node(task)
        places: list[Place] = [(job.id, key, self._file_at(job.pipeline_id, key, task)) for key in node.after]
        if job.parent_id is not None:
            places += [(job.parent_id, key, task.file_id) for key in node.from_parent]
        return places

    def _file_at(self, pipeline_id: str, key: str, task: Task) -> str | None:
        before = self.steps[self._plans.node(pipeline_id, key).step]
        return task.file_id if before.scope is Scope.FILE else None

    def _predecessors(self, task: Task) -> Iterable[DeliveryPredecessor]:
        for place in self._places(task):
            for result in self._results.get(place, ()):
                file = self._files.get(result.file_id) if result.file_id is not None else None
                saved = sorted(self._artifacts.get(result.id, ()), key=attrgetter("name"))
                yield DeliveryPredecessor(
                    step=result.step,
                    result_id=result.id,
                    result=result.data,
                    file=_file(file) if file else None,
                    artifacts=tuple(SavedArtifact(a.name, a.media_type, a.size_bytes, a.sha256) for a in saved),
                )

    def _read_artifacts(self, ledger: Ledger) -> dict[str, list[Artifact]]:
        result_ids = {result.id for rows in self._results.values() for result in rows}
        found: dict[str, list[Artifact]] = {}
        for artifact in ledger.results.artifacts(result_ids=result_ids) if result_ids else ():
            found.setdefault(artifact.result_id, []).append(artifact)
        return found


def _delivery(outside: Outside, contents: _Contents, tasks: Sequence[Task]) -> Delivery | None:
    """One delivery; None when its jobs are gone, or when its manifest cannot be stored now."""
    first = tasks[0]
    spec = contents.steps[first.step]
    present = [task for task in tasks if contents.has(task)]
    if not present:
        return None
    try:
        travelers = tuple(_inline_or_manifest(outside, contents.task(task)) for task in present)
    except EngineError as error:
        log.warning("a delivery of %d tasks stays here and is made again later: %s", len(present), error)
        return None
    return Delivery(
        id=str(first.delivery_id),
        step=spec.name,
        step_version=spec.version,
        queue=first.queue,
        priority=first.priority,
        time_limit_seconds=spec.time_limit_seconds,
        memory_limit_bytes=spec.memory_limit_bytes,
        tasks=travelers,
    )


def _inline_or_manifest(outside: Outside, task: DeliveryTask) -> DeliveryTask:
    """The task as it is, or with its files and predecessors moved into a manifest where they are many."""
    if not task.predecessors and len(task.files) <= 1:
        return task
    manifest = encode_manifest(task.files, task.predecessors)
    if len(manifest) <= outside.settings.inline_limit_bytes:
        return task
    stored = outside.artifacts.put(io.BytesIO(manifest))
    return task._replace(files=(), predecessors=(), manifest_sha256=stored.sha256)


def _file(file: File) -> DeliveryFile:
    return DeliveryFile(file.id, file.name, file.media_type, file.size_bytes, file.sha256)
