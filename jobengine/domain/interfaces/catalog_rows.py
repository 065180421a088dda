"""The rows of what can be run, and by whom: steps, pipelines and workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from jobengine.domain.filters import Page
from jobengine.domain.records import Pipeline, StepSpec, WorkerRecord


class CatalogRows(Protocol):
    """Steps, pipelines and workers: what can be run, and by whom."""

    def put_steps(self, specs: Sequence[StepSpec], now: float) -> None:
        """Note what is announced, also where nothing changed: a version of which nobody speaks any more is replaced."""

    def steps(self) -> dict[str, StepSpec]:
        """The newest announced version of each step, by name."""

    def put_pipelines(self, pipelines: Sequence[Pipeline]) -> None:
        """Insert, or replace by ID."""

    def pipelines(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Pipeline]: ...

    def find_pipeline(self, owner_id: str | None, name: str, version: int | None = None) -> Pipeline | None:
        """The owner's or the built-in pipeline of that name: this version, or the newest published one."""

    def page_pipelines(self, owner_id: str | None, page: Page) -> list[Pipeline]:
        """The owner's and the built-in pipelines; with None, all."""

    def put_workers(self, workers: Sequence[WorkerRecord]) -> None: ...

    def touch_workers(self, last_seen: Mapping[str, float]) -> None: ...

    def workers(self) -> list[WorkerRecord]: ...

    def forget_workers(self, seen_before: float) -> int:
        """Drop those that were last heard from before a time; how many there were."""
