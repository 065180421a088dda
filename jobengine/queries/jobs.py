"""Reading jobs: alone, in lists, and with what they have around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobengine.domain.filters import JobFilter, Page, TaskFilter
from jobengine.domain.interfaces.ledger import Ledger, Store
from jobengine.domain.records import Artifact, File, Job, Owner, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.queries.ownership import own

FAILED_FILES_LIMIT = 1000
"""How many of the tasks of a job that failed its view looks at."""


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
class JobOrigin:
    """Whose a job is, the first file that it works on while that is there, and whether it ran out of time."""

    owner: Owner
    file: File | None
    is_timed_out: bool


class JobQueries:
    """Jobs, and what they have around them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def view(self, owner_id: str | None, job_id: str) -> JobView:
        """One job with the IDs of its files and results, and its artifacts."""
        with self._store.read() as ledger:
            job = own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))
            artifacts, result_ids = ledger.results.artifacts(job_ids=[job_id]), ledger.results.ids_of_job(job_id)
            return JobView(job, ledger.jobs.file_ids(job_id), result_ids, artifacts, _failed_files(ledger, job))

    def get(self, owner_id: str | None, job_id: str) -> Job:
        """One job, without what it has made."""
        with self._store.read() as ledger:
            return own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))

    def page(self, where: JobFilter, page: Page) -> list[Job]:
        """A page of jobs."""
        with self._store.read() as ledger:
            return ledger.jobs.page(where, page)

    def count(self, where: JobFilter) -> int:
        """How many jobs meet the criteria."""
        with self._store.read() as ledger:
            return ledger.jobs.count(where)

    def statistics(self, owner_id: str | None) -> dict[tuple[str, JobState], int]:
        """Jobs by pipeline name and state."""
        with self._store.read() as ledger:
            return ledger.jobs.statistics(owner_id)

    def details(self, jobs: Sequence[Job]) -> dict[str, JobDetails]:
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

    def origins(self, jobs: Sequence[Job]) -> dict[str, JobOrigin]:
        """Where each of these jobs, which the caller has been shown, comes from."""
        job_ids = [job.id for job in jobs]
        with self._store.read() as ledger:
            owners = ledger.owners.fetch({job.owner_id for job in jobs})
            files = ledger.files.first_of_jobs(job_ids)
            timed_out = ledger.jobs.timed_out([job.id for job in jobs if job.state is JobState.FAILED])
        return {job.id: JobOrigin(owners[job.owner_id], files.get(job.id), job.id in timed_out) for job in jobs}


def _failed_files(ledger: Ledger, job: Job) -> list[FailedFile]:
    if not job.counts.failed:
        return []
    where = TaskFilter(job_id=job.id, states=(TaskState.FAILED,))
    failed = ledger.tasks.page(where, Page(FAILED_FILES_LIMIT, descending=False))
    on_files = {task: task.file_id for task in failed if task.file_id is not None}
    files = ledger.files.fetch(set(on_files.values()))
    return [FailedFile(task, files.get(file_id)) for task, file_id in on_files.items()]
