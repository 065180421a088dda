"""Reading what can be run: steps and pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.domain.errors import not_found
from jobengine.domain.filters import Page
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.records import Job, Pipeline, StepSpec


class CatalogQueries:
    """Steps and pipelines."""

    def __init__(self, store: Store) -> None:
        self._store = store

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

    def pipeline(self, owner_id: str | None, pipeline_id: str) -> Pipeline:
        """One pipeline, the owner's or a built-in one."""
        with self._store.read() as ledger:
            pipeline = ledger.catalog.pipelines([pipeline_id]).get(pipeline_id)
        if pipeline is None or (owner_id is not None and pipeline.owner_id not in (None, owner_id)):
            raise not_found("pipeline", pipeline_id)
        return pipeline

    def pipelines_of(self, jobs: Sequence[Job]) -> dict[str, Pipeline]:
        """The pipelines of jobs that the caller has been shown, by ID."""
        with self._store.read() as ledger:
            return ledger.catalog.pipelines({job.pipeline_id for job in jobs})
