"""The rows of the jobs, their counts, and the statistics over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import BatchCounts, Job
from jobengine.domain.states import JobState, TaskState


@dataclass(frozen=True, slots=True)
class JobDelta:
    """What some moved tasks change in their job: counts by state, progress in thousandths, the first start."""

    job_id: str
    counts: Mapping[TaskState, int]
    progress: int = 0
    started_at: float | None = None


class JobRows(Protocol):
    """The jobs with their counts, and the statistics over them."""

    def insert(self, jobs: Sequence[Job], file_ids: Mapping[str, Sequence[str]]) -> None:
        """New jobs with the files of each, in order.

        Jobs come in the order of their IDs, from one transaction to the next: where there is one writer at a time, long
        lists rely on it.
        """

    def newest_id(self) -> str | None:
        """The greatest ID of all jobs."""

    def fetch(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Job]: ...

    def file_ids(self, job_id: str) -> list[str]: ...

    def files(self, job_ids: Collection[str]) -> dict[str, list[tuple[str, str | None]]]:
        """The files of each of these jobs in order: ID, and SHA-256 where it was known."""

    def children(self, job_ids: Collection[str]) -> dict[str, list[str]]:
        """The IDs of the jobs whose parent is one of these, by parent, oldest first."""

    def add_deltas(self, deltas: Sequence[JobDelta]) -> list[Job]:
        """Add up counts and progress, keep the earliest start; the jobs as they are then, state still the old one."""

    def write(self, changes: Sequence[tuple[Job, Job]]) -> set[str]:
        """Write state, finished_at, canceled_at and name of each second job while the row has the state of the first.

        The statistics follow in the same statement group. Returns the IDs that moved.
        """

    def timed_out(self, ids: Collection[str]) -> set[str]:
        """Those of these jobs of which a task failed because it ran out of time."""

    def page(self, where: JobFilter, page: Page) -> list[Job]: ...

    def count(self, where: JobFilter) -> int: ...

    def count_in_batches(self, batch_ids: Collection[str]) -> dict[str, BatchCounts]:
        """The jobs of these batches by state, counted in one statement; a batch without jobs is left out."""

    def statistics(self, owner_id: str | None) -> dict[tuple[str, JobState], int]:
        """Jobs by (pipeline name, state), kept while writing: reading takes the same time at any size."""

    def delete(self, ids: Collection[str]) -> int:
        """Remove jobs with their tasks, attempts, logs, results and artifact rows; how many there were."""

    def recall_request(self, owner_id: str, idempotency_key: str) -> tuple[str, str] | None:
        """The body's digest and the answer that were kept for this key."""

    def remember_request(
        self, owner_id: str, idempotency_key: str, body_digest: str, answer: str, expires_at: float
    ) -> None:
        """Keep an answer for a key; raises EngineError(CONFLICT) when the key is taken."""

    def forget_requests(self, now: float) -> int:
        """Drop the answers that have expired; how many there were. Until then an answer is kept."""
