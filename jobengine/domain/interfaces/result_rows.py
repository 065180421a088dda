"""The rows of what tasks leave behind: results, artifacts, ended attempts and logs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from jobengine.domain.filters import Page, ResultFilter
from jobengine.domain.records import Artifact, Attempt, LogLine, Result

Place = tuple[str, str, str | None]
"""Where tasks stand in a job: job ID, node key, and file ID, or None for every task of the node."""


class ResultRows(Protocol):
    """Results, artifacts, ended attempts and logs: what tasks leave behind."""

    def insert(self, results: Sequence[Result], artifacts: Sequence[Artifact]) -> None: ...

    def fetch(self, ids: Collection[str]) -> dict[str, Result]: ...

    def page(self, where: ResultFilter, page: Page) -> list[Result]: ...

    def count(self, where: ResultFilter) -> int: ...

    def ids_of_job(self, job_id: str) -> list[str]:
        """The IDs of the results of a job, oldest first."""

    def newest_ids(self, job_ids: Collection[str]) -> dict[str, str]:
        """The ID of the newest result of each of these jobs that has one."""

    def of_places(self, places: Collection[Place]) -> dict[Place, list[Result]]:
        """The results that the tasks at these places made, oldest first; a place without results is left out."""

    def artifacts(
        self,
        *,
        job_ids: Collection[str] | None = None,
        result_ids: Collection[str] | None = None,
        ids: Collection[str] | None = None,
    ) -> list[Artifact]:
        """The artifacts that meet all criteria, oldest first."""

    def insert_attempts(self, attempts: Sequence[Attempt]) -> None: ...

    def attempts(self, task_ids: Collection[str]) -> list[Attempt]: ...

    def insert_logs(self, lines: Sequence[LogLine]) -> None: ...

    def logs(self, task_id: str, *, attempt: int | None = None) -> list[LogLine]: ...
