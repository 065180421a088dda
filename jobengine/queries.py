"""The read verbs: get and list, each from one consistent view, each for one owner.

``owner_id`` None sees everything. What belongs to somebody else is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jobengine.domain.errors import EngineError, ErrorCode, not_found
from jobengine.domain.filters import FileFilter, JobFilter, Page, ResultFilter, TaskFilter
from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.ledger import Ledger, Store
from jobengine.domain.interfaces.transport import Transport
from jobengine.domain.records import (
    Artifact,
    Attempt,
    Batch,
    BatchCounts,
    File,
    Job,
    Key,
    LogLine,
    Owner,
    Pipeline,
    Result,
    StepSpec,
    Task,
)
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.dispatch import live_workers, slots_by_queue
from jobengine.verbs.explain import Explanation, explain_job

_NO_JOBS = BatchCounts(dict.fromkeys(JobState, 0), sent=0, sendable=0, first_job_id="")

FAILED_FILES_LIMIT = 1000
"""How many of the tasks of a job that failed its view looks at."""

Row = TypeVar("Row", File, Job, Task, Result, Artifact)


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file on which a task of a job failed; the file itself may be deleted by now."""

    task: Task
    file: File | None


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with what it has made so far, and the first of the files on which it failed."""

    job: Job
    file_ids: Sequence[str] = ()
    result_ids: Sequence[str] = ()
    artifacts: list[Artifact] = field(default_factory=list)
    failed_files: Sequence[FailedFile] = ()


@dataclass(frozen=True, slots=True)
class JobDetails:
    """What a job has around it.

    The newest result of one that succeeded, the first failure of one that failed, its files with their hashes, and the
    jobs that name it as their parent.
    """

    result_id: str | None
    failure: Task | None
    files: tuple[tuple[str, str | None], ...]
    child_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch with the counts of its jobs, how many were deleted, and the pipeline of the first if it is known."""

    batch: Batch
    counts: BatchCounts
    deleted: int
    pipeline: Pipeline | None

    @property
    def job_count(self) -> int:
        """How many jobs were submitted."""
        return self.counts.total + self.deleted


@dataclass(frozen=True, slots=True)
class JobOrigin:
    """Whose a job is, the first file that it works on while that is there, and whether it ran out of time."""

    owner: Owner
    file: File | None
    is_timed_out: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What the whole system has to do, and who does it, as the ledger says."""

    jobs: dict[str, int]
    enqueued: dict[str, int]
    slots: dict[str, int]
    tasks_in_flight: int
    workers: int


@dataclass(frozen=True, slots=True)
class Load:
    """How the whole system is. Without the ledger there is no ``work``, and without Redis no backlog."""

    work: Work | None
    report_backlog: int | None
    report_backlog_seconds: float | None
    health: dict[str, str]


class Queries:
    """Reads the ledger and nothing else; health alone asks the other adapters how they are."""

    def __init__(self, store: Store, transport: Transport, artifacts: ArtifactStore, clock: Clock) -> None:
        self._store = store
        self._transport = transport
        self._artifacts = artifacts
        self._clock = clock

    def file(self, owner_id: str | None, file_id: str) -> File:
        """One file."""
        with self._store.read() as ledger:
            return _own(owner_id, "file", file_id, ledger.files.fetch([file_id]))

    def files(self, where: FileFilter, page: Page) -> list[File]:
        """A page of files; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            _check_job(ledger, where.owner_id, where.job_id)
            return ledger.files.page(where, page)

    def steps(self, page: Page) -> list[StepSpec]:
        """A page of the announced steps in the order of their names, which ``page.after`` is one of.

        There are as many as somebody has written, so all are read.
        """
        with self._store.read() as ledger:
            steps = sorted(ledger.catalog.steps().values(), key=lambda step: step.name)
        beyond = [step for step in steps if page.after is None or step.name > page.after][page.offset :]
        return beyond[: page.limit]

    def pipelines(self, owner_id: str | None, page: Page) -> list[Pipeline]:
        """A page of the owner's and the built-in pipelines."""
        with self._store.read() as ledger:
            return ledger.catalog.page_pipelines(owner_id, page)

    def job(self, owner_id: str | None, job_id: str) -> JobView:
        """One job with the IDs of its files and results, and its artifacts."""
        with self._store.read() as ledger:
            job = _own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))
            artifacts, result_ids = ledger.results.artifacts(job_ids=[job_id]), ledger.results.ids_of_job(job_id)
            return JobView(job, ledger.jobs.file_ids(job_id), result_ids, artifacts, _failed_files(ledger, job))

    def job_alone(self, owner_id: str | None, job_id: str) -> Job:
        """One job, without what it has made."""
        with self._store.read() as ledger:
            return _own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))

    def jobs(self, where: JobFilter, page: Page) -> list[Job]:
        """A page of jobs."""
        with self._store.read() as ledger:
            return ledger.jobs.page(where, page)

    def statistics(self, owner_id: str | None) -> dict[tuple[str, JobState], int]:
        """Jobs by pipeline name and state."""
        with self._store.read() as ledger:
            return ledger.jobs.statistics(owner_id)

    def count_jobs(self, where: JobFilter) -> int:
        """How many jobs meet the criteria."""
        with self._store.read() as ledger:
            return ledger.jobs.count(where)

    def count_files(self, where: FileFilter) -> int:
        """How many files meet the criteria."""
        with self._store.read() as ledger:
            return ledger.files.count(where)

    def folders(self, owner_id: str | None) -> list[tuple[str, float]]:
        """The folders that files are in, by name, each with the time of its first file."""
        with self._store.read() as ledger:
            return ledger.files.folders(owner_id)

    def owner(self, owner_id: str) -> Owner:
        """One owner."""
        with self._store.read() as ledger:
            found = ledger.owners.fetch([owner_id])
        if owner_id not in found:
            raise not_found("owner", owner_id)
        return found[owner_id]

    def batch(self, owner_id: str | None, batch_id: str) -> Batch:
        """One batch."""
        with self._store.read() as ledger:
            found = ledger.owners.batches(owner_id, Page(limit=1), ids=[batch_id])
        if not found:
            raise not_found("batch", batch_id)
        return found[0]

    def batches(self, owner_id: str | None, page: Page) -> list[Batch]:
        """A page of batches."""
        with self._store.read() as ledger:
            return ledger.owners.batches(owner_id, page)

    def batch_view(self, owner_id: str | None, batch_id: str) -> BatchView:
        """One batch with its counts."""
        with self._store.read() as ledger:
            views = _view_batches(ledger, ledger.owners.batches(owner_id, Page(limit=1), ids=[batch_id]))
        if not views:
            raise not_found("batch", batch_id)
        return views[0]

    def batch_views(self, owner_id: str | None, page: Page) -> list[BatchView]:
        """A page of batches with their counts."""
        with self._store.read() as ledger:
            return _view_batches(ledger, ledger.owners.batches(owner_id, page))

    def pipelines_of(self, jobs: Sequence[Job]) -> dict[str, Pipeline]:
        """The pipelines of jobs that the caller has been shown, by ID."""
        with self._store.read() as ledger:
            return ledger.catalog.pipelines({job.pipeline_id for job in jobs})

    def artifacts_of(self, job_ids: Sequence[str]) -> dict[str, list[Artifact]]:
        """The artifacts of jobs that the caller has been shown, by job."""
        with self._store.read() as ledger:
            made = ledger.results.artifacts(job_ids=job_ids)
        found: dict[str, list[Artifact]] = {job_id: [] for job_id in job_ids}
        for artifact in made:
            found[artifact.job_id].append(artifact)
        return found

    def job_details(self, jobs: Sequence[Job]) -> dict[str, JobDetails]:
        """What these jobs, which the caller has been shown, have around them, by ID."""
        ids = [job.id for job in jobs]
        with self._store.read() as ledger:
            results = ledger.results.newest_ids([job.id for job in jobs if job.state is JobState.SUCCEEDED])
            failures = ledger.tasks.first_failed([job.id for job in jobs if job.state is JobState.FAILED])
            files, children = ledger.jobs.files(ids), ledger.jobs.children(ids)
        return {
            name: JobDetails(
                results.get(name), failures.get(name), tuple(files.get(name, ())), tuple(children.get(name, ()))
            )
            for name in ids
        }

    def first_failure(self, job: Job) -> Task | None:
        """The oldest failed task of a job that the caller has been shown."""
        with self._store.read() as ledger:
            return ledger.tasks.first_failed([job.id]).get(job.id)

    def origins_of(self, jobs: Sequence[Job]) -> dict[str, JobOrigin]:
        """Where each of these jobs, which the caller has been shown, comes from."""
        job_ids = [job.id for job in jobs]
        with self._store.read() as ledger:
            owners = ledger.owners.fetch({job.owner_id for job in jobs})
            files = ledger.files.first_of_jobs(job_ids)
            timed_out = ledger.jobs.timed_out([job.id for job in jobs if job.state is JobState.FAILED])
        return {job.id: JobOrigin(owners[job.owner_id], files.get(job.id), job.id in timed_out) for job in jobs}

    def tasks_of(self, job_id: str) -> list[Task]:
        """All tasks of a job that the caller has been shown, oldest first."""
        with self._store.read() as ledger:
            return ledger.tasks.of_jobs([job_id])

    def results_of_tasks(self, task_ids: Sequence[str]) -> dict[str, Result]:
        """What each of these tasks, which the caller has been shown, made, if anything."""
        oldest_first = Page(limit=None, descending=False)
        with self._store.read() as ledger:
            found = ledger.results.page(ResultFilter(task_ids=tuple(task_ids)), oldest_first)
        return {result.task_id: result for result in found}

    def task(self, owner_id: str | None, task_id: str) -> tuple[Task, list[Attempt]]:
        """One task with its ended attempts."""
        with self._store.read() as ledger:
            task = _own(owner_id, "task", task_id, ledger.tasks.fetch([task_id]))
            return task, ledger.results.attempts([task_id])

    def tasks(self, where: TaskFilter, page: Page) -> list[Task]:
        """A page of tasks; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            _check_job(ledger, where.owner_id, where.job_id)
            return ledger.tasks.page(where, page)

    def log(self, owner_id: str | None, task_id: str) -> list[LogLine]:
        """What a task logged, oldest first."""
        with self._store.read() as ledger:
            _own(owner_id, "task", task_id, ledger.tasks.fetch([task_id]))
            return ledger.results.logs(task_id)

    def result(self, owner_id: str | None, result_id: str) -> tuple[Result, list[Artifact]]:
        """One result with its artifacts."""
        with self._store.read() as ledger:
            result = _own(owner_id, "result", result_id, ledger.results.fetch([result_id]))
            return result, ledger.results.artifacts(result_ids=[result_id])

    def results(self, where: ResultFilter, page: Page) -> list[Result]:
        """A page of results; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            _check_job(ledger, where.owner_id, where.job_id)
            return ledger.results.page(where, page)

    def artifact(self, owner_id: str | None, artifact_id: str) -> Artifact:
        """One artifact."""
        with self._store.read() as ledger:
            found = {artifact.id: artifact for artifact in ledger.results.artifacts(ids=[artifact_id])}
            return _own(owner_id, "artifact", artifact_id, found)

    def owners(self, page: Page) -> list[Owner]:
        """A page of owners."""
        with self._store.read() as ledger:
            return ledger.owners.page(page)

    def keys(self, owner_id: str | None, page: Page) -> tuple[list[Key], dict[str, Owner]]:
        """A page of the keys of an owner, or of all, with the owners by ID."""
        with self._store.read() as ledger:
            keys = ledger.owners.keys(owner_id, page)
            return keys, ledger.owners.fetch({key.owner_id for key in keys})

    def key(self, key_id: str) -> Key:
        """One key."""
        with self._store.read() as ledger:
            key = ledger.owners.key(key_id)
        if key is None:
            raise not_found("key", key_id)
        return key

    def pipeline(self, owner_id: str | None, pipeline_id: str) -> Pipeline:
        """One pipeline, the owner's or a built-in one."""
        with self._store.read() as ledger:
            pipeline = ledger.catalog.pipelines([pipeline_id]).get(pipeline_id)
        if pipeline is None or (owner_id is not None and pipeline.owner_id not in (None, owner_id)):
            raise not_found("pipeline", pipeline_id)
        return pipeline

    def explain(self, owner_id: str | None, job_id: str) -> tuple[Job, list[Explanation]]:
        """Why each unfinished task of a job is where it is."""
        redis = _state(self._transport.check)
        with self._store.read() as ledger:
            job = _own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))
            return job, explain_job(ledger, job, redis, self._clock())

    def load(self) -> Load:
        """The numbers that people watch, of all owners together; answers whatever is away."""
        health = self.health()
        work = self._work() if health["ledger"] == "ok" else None
        backlog = self._backlog() if health["redis"] == "ok" else (None, None)
        return Load(work, *backlog, health)

    def _work(self) -> Work | None:
        now = self._clock()
        try:
            with self._store.read() as ledger:
                statistics = ledger.jobs.statistics(None)
                by_owner, by_queue = ledger.tasks.count_in_flight()
                workers = live_workers(ledger.catalog.workers(), now)
        except EngineError as error:
            if error.code is not ErrorCode.UNAVAILABLE:
                raise
            return None
        jobs = {state.value: 0 for state in JobState}
        for (_, state), count in statistics.items():
            jobs[state.value] += count
        enqueued: dict[str, int] = {}
        for (queue, _), count in by_queue.items():
            enqueued[queue] = enqueued.get(queue, 0) + count
        return Work(jobs, enqueued, dict(slots_by_queue(workers, now)), sum(by_owner.values()), len(workers))

    def _backlog(self) -> tuple[int | None, float | None]:
        try:
            return self._transport.backlog(), self._transport.backlog_seconds()
        except EngineError:
            return None, None

    def health(self) -> dict[str, str]:
        """Each dependency by name: ``ok``, or what is wrong with it."""
        checks = {"ledger": self._store.check, "redis": self._transport.check, "artifacts": self._artifacts.check}
        return {name: _state(check) for name, check in checks.items()}


def _failed_files(ledger: Ledger, job: Job) -> list[FailedFile]:
    if not job.counts.failed:
        return []
    where = TaskFilter(job_id=job.id, states=(TaskState.FAILED,))
    failed = ledger.tasks.page(where, Page(FAILED_FILES_LIMIT, descending=False))
    on_files = {task: task.file_id for task in failed if task.file_id is not None}
    files = ledger.files.fetch(set(on_files.values()))
    return [FailedFile(task, files.get(file_id)) for task, file_id in on_files.items()]


def _view_batches(ledger: Ledger, batches: Sequence[Batch]) -> list[BatchView]:
    counted = ledger.jobs.count_in_batches([batch.id for batch in batches])
    jobs = ledger.jobs.fetch([counts.first_job_id for counts in counted.values()])
    pipelines = ledger.catalog.pipelines({job.pipeline_id for job in jobs.values()})
    views = []
    for batch in batches:
        counts = counted.get(batch.id, _NO_JOBS)
        first = jobs.get(counts.first_job_id)
        pipeline = pipelines.get(first.pipeline_id) if first else _find_pipeline(ledger, batch)
        views.append(BatchView(batch, counts, max(0, batch.job_count - counts.total), pipeline))
    return views


def _find_pipeline(ledger: Ledger, batch: Batch) -> Pipeline | None:
    # Early batches have the pipeline as the request named it, with a version behind it.
    return ledger.catalog.find_pipeline(batch.owner_id, batch.pipeline_name.partition("@")[0])


def _own(owner_id: str | None, kind: str, identifier: str, found: Mapping[str, Row]) -> Row:
    row = found.get(identifier)
    if row is None or owner_id not in (None, row.owner_id):
        raise not_found(kind, identifier)
    return row


def _check_job(ledger: Ledger, owner_id: str | None, job_id: str | None) -> None:
    if job_id is not None:
        _own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except EngineError as error:
        return error.message
    return "ok"
