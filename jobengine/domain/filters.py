"""What a list is asked for: which rows, in which order, from where on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from jobengine.domain.states import JobState, TaskState

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list: after a row (its ID, exclusive) or from an offset, at most ``limit`` rows.

    ``after_key`` is what that row went by, in an order that is not that of IDs; with it the row need not be there.
    ``limit`` None is no limit; only internal callers and dialects whose contract says so may ask for it.
    """

    limit: int | None = 50
    after: str | None = None
    offset: int = 0
    descending: bool = True
    after_key: str | float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Whether a time of a job, ``created_at``, ``started_at`` or ``finished_at``, is there and lies between two."""

    field: str
    after: float = -math.inf
    before: float = math.inf


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Criteria for jobs; all that are given must hold. ``owner_id`` None is every owner (administrators, the engine).

    ``text`` is a case-insensitive part of the name or of an ID; ``method`` a pipeline name. Of ``spans``, one must
    hold. ``timed_out`` is about failed jobs alone: only those with a task that ran out of time, or only the others.
    ``sort`` is one of ``created_at``, ``started_at``, ``finished_at``, ``name``, ``priority``; the ID breaks ties.
    """

    owner_id: str | None = None
    owner_ids: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    states: tuple[JobState, ...] | None = None
    pipeline_name: str | None = None
    pipeline_id: str | None = None
    batch_id: str | None = None
    parent_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    created_before: float | None = None
    created_after: float | None = None
    started_before: float | None = None
    started_after: float | None = None
    finished_before: float | None = None
    finished_after: float | None = None
    spans: tuple[Span, ...] | None = None
    timed_out: bool | None = None
    file_sha256: tuple[str, ...] | None = None
    sort: str = "created_at"


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Criteria for tasks, as for jobs."""

    owner_id: str | None = None
    job_id: str | None = None
    states: tuple[TaskState, ...] | None = None
    step: str | None = None
    node: str | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Criteria for results, as for jobs."""

    owner_id: str | None = None
    job_id: str | None = None
    task_ids: tuple[str, ...] | None = None
    steps: tuple[str, ...] | None = None
    file_id: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Criteria for files; ``folder`` matches exactly, ``job_id`` is a job that works on them."""

    owner_id: str | None = None
    folder: str | None = None
    sha256: str | None = None
    text: str | None = None
    job_id: str | None = None
