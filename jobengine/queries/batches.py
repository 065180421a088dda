"""Reading batches: alone, in lists, and with the counts of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobengine.domain.errors import not_found
from jobengine.domain.filters import Page
from jobengine.domain.interfaces.ledger import Ledger, Store
from jobengine.domain.records import Batch, BatchCounts, Pipeline
from jobengine.domain.states import JobState

_NO_JOBS = BatchCounts(dict.fromkeys(JobState, 0), sent=0, sendable=0, first_job_id="")


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


class BatchQueries:
    """Batches, bare or with the counts of their jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, owner_id: str | None, batch_id: str) -> Batch:
        """One batch."""
        with self._store.read() as ledger:
            found = ledger.owners.batches(owner_id, Page(limit=1), ids=[batch_id])
        if not found:
            raise not_found("batch", batch_id)
        return found[0]

    def page(self, owner_id: str | None, page: Page) -> list[Batch]:
        """A page of batches."""
        with self._store.read() as ledger:
            return ledger.owners.batches(owner_id, page)

    def view(self, owner_id: str | None, batch_id: str) -> BatchView:
        """One batch with its counts."""
        with self._store.read() as ledger:
            views = _view_batches(ledger, ledger.owners.batches(owner_id, Page(limit=1), ids=[batch_id]))
        if not views:
            raise not_found("batch", batch_id)
        return views[0]

    def views(self, owner_id: str | None, page: Page) -> list[BatchView]:
        """A page of batches with their counts."""
        with self._store.read() as ledger:
            return _view_batches(ledger, ledger.owners.batches(owner_id, page))


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
