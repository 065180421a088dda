"""What a client asks for, and what it gets back, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from jobengine.domain.records import Job
from jobengine.domain.states import FailureKind, TaskState


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be. Without a media type, the name tells it."""

    name: str
    source: BinaryIO
    media_type: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to be.

    ``pipeline`` is an ID, a name (the newest published version) or ``name@version``. ``parameters`` are by node key:
    ``{"segment": {"threshold": "otsu"}}``. ``parent_id`` points at the job whose results the pipeline works on.
    """

    owner_id: str
    pipeline: str
    file_ids: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: int = 5
    tolerated_failures: int = 0
    parent_id: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The jobs of one call in the order of its requests; ``replayed`` where an earlier call had made them.

    ``jobs`` is empty when replayed, and they may be deleted by now. ``answer`` is what the first call answered; where
    the caller has no words of its own, the IDs of the jobs.
    """

    answer: str
    jobs: tuple[Job, ...] = ()
    replayed: bool = False

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The IDs of the jobs, where these are the answer or the jobs are there."""
        return tuple(job.id for job in self.jobs) if self.jobs else tuple(json.loads(self.answer))


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that somebody outside will drive.

    ``worker`` names who. With ``reuse_open``, an unfinished task of the same worker in the same job is given back
    instead of a second one, and so is one that was added in this state a moment ago: a client that resends after a lost
    answer makes no double.
    """

    worker: str
    state: TaskState = TaskState.ENQUEUED
    message: str = ""
    reuse_open: bool = False


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What somebody outside says of a task: running, succeeded (with a result), failed or canceled.

    ``fraction`` (0 to 1) goes with running.
    """

    state: TaskState
    message: str = ""
    fraction: float | None = None
    result: Mapping[str, Any] | None = None
    result_kind: str = "external"
    failure_kind: FailureKind = FailureKind.STEP
