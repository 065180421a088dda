"""Reading what tasks made: results and artifacts."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.domain.filters import Page, ResultFilter
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.records import Artifact, Result
from jobengine.queries.ownership import check_job, own


class ResultQueries:
    """Results and artifacts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, owner_id: str | None, result_id: str) -> tuple[Result, list[Artifact]]:
        """One result with its artifacts."""
        with self._store.read() as ledger:
            result = own(owner_id, "result", result_id, ledger.results.fetch([result_id]))
            return result, ledger.results.artifacts(result_ids=[result_id])

    def page(self, where: ResultFilter, page: Page) -> list[Result]:
        """A page of results; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            check_job(ledger, where.owner_id, where.job_id)
            return ledger.results.page(where, page)

    def of_tasks(self, task_ids: Sequence[str]) -> dict[str, Result]:
        """What each of these tasks, which the caller has been shown, made, if anything."""
        oldest_first = Page(limit=None, descending=False)
        with self._store.read() as ledger:
            found = ledger.results.page(ResultFilter(task_ids=tuple(task_ids)), oldest_first)
        return {result.task_id: result for result in found}

    def artifact(self, owner_id: str | None, artifact_id: str) -> Artifact:
        """One artifact."""
        with self._store.read() as ledger:
            found = {artifact.id: artifact for artifact in ledger.results.artifacts(ids=[artifact_id])}
            return own(owner_id, "artifact", artifact_id, found)

    def artifacts_of(self, job_ids: Sequence[str]) -> dict[str, list[Artifact]]:
        """The artifacts of jobs that the caller has been shown, by job."""
        with self._store.read() as ledger:
            made = ledger.results.artifacts(job_ids=job_ids)
        found: dict[str, list[Artifact]] = {job_id: [] for job_id in job_ids}
        for artifact in made:
            found[artifact.job_id].append(artifact)
        return found
