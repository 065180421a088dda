"""The things that the ledger holds, as frozen records. Times are seconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from jobengine.domain.states import FailureKind, JobState, TaskState

Json = Mapping[str, Any]

PROGRESS_DONE = 1000
"""Progress is counted in thousandths: whole numbers add up the same in every order."""

PRIORITY_RANGE = range(10)
"""Priorities that a job may have; 9 goes first."""


class Role(str, Enum):
    """What a key may do; each role may do all that the roles before it may, analyzers aside."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    ANALYZER = "analyzer"
    ADMIN = "admin"


class Executor(str, Enum):
    """Who runs a task: our workers, or somebody outside who moves it over HTTP."""

    WORKER = "worker"
    EXTERNAL = "external"


class Scope(str, Enum):
    """Whether a step runs once for each file of a job or once for the job."""

    FILE = "file"
    JOB = "job"


class PipelineState(str, Enum):
    """A draft can change, a published version cannot, a retired one takes no more jobs."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one owner may use at a time; None is no limit."""

    queued_jobs: int | None = None
    running_tasks: int | None = None
    stored_bytes: int | None = None
    requests_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose things these are."""

    id: str
    name: str
    created_at: float
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Key:
    """An API key; of the secret only its SHA-256 is kept (hexadecimal)."""

    id: str
    owner_id: str
    name: str
    role: Role
    secret_sha256: str
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    revoked_at: float | None = None


class File(NamedTuple):
    """An input that an owner uploaded; its bytes lie in the artifact store under the SHA-256."""

    id: str
    owner_id: str
    name: str
    folder: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed attempt is tried again, and after how long.

    ``delay_seconds`` doubles (``backoff``) with each failure up to ``max_delay_seconds``.
    """

    max_retries: int = 2
    delay_seconds: float = 1.0
    backoff: float = 2.0
    max_delay_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class StepSpec:
    """What a worker announces of a step: all that the engine needs to know of it without its code."""

    name: str
    version: str
    scope: Scope
    result_kind: str
    parameters_schema: Json = field(default_factory=dict)
    title: str = ""
    description: str = ""
    accepts: tuple[str, ...] = ()
    requires_all: bool = False
    retry: RetryPolicy = RetryPolicy()
    time_limit_seconds: float = 3600.0
    memory_limit_bytes: int | None = None
    tasks_per_delivery: int = 1
    resources: Json = field(default_factory=dict)
    queue: str = "default"


@dataclass(frozen=True, slots=True)
class Node:
    """One step's place in a pipeline."""

    key: str
    step: str
    after: tuple[str, ...] = ()
    from_parent: tuple[str, ...] = ()
    parameters: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A named, versioned DAG of steps. Built-in pipelines have no owner."""

    id: str
    owner_id: str | None
    name: str
    version: int
    state: PipelineState
    title: str
    description: str
    nodes: tuple[Node, ...]
    created_at: float
    published_at: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks of a job are in each state."""

    waiting: int = 0
    ready: int = 0
    enqueued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0

    @property
    def total(self) -> int:
        return self.unfinished + self.succeeded + self.failed + self.canceled

    @property
    def unfinished(self) -> int:
        return self.waiting + self.ready + self.enqueued + self.running

    def of(self, state: TaskState) -> int:
        return int(getattr(self, state.value))


@dataclass(frozen=True, slots=True)
class Job:
    """One request to run a pipeline. Its state is the fold of its tasks, kept beside their counts."""

    id: str
    owner_id: str
    name: str
    pipeline_id: str
    pipeline_name: str
    pipeline_version: int
    state: JobState
    counts: Counts
    progress: int
    priority: int
    created_at: float
    parameters: Json = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tolerated_failures: int = 0
    parent_id: str | None = None
    retry_of: str | None = None
    batch_id: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    canceled_at: float | None = None


class Task(NamedTuple):
    """One step of one job on one file, or on the job: the record that moves.

    ``predecessors`` counts the tasks that this one comes after, ``waiting_on`` those that are not final yet,
    ``unmet`` those that ended without success. ``failures`` counts failed attempts (retries are limited by it), but for
    those that we failed ourselves; ``losses`` counts the workers that went down under it.
    ``progress`` is in thousandths and never falls.
    """

    id: str
    job_id: str
    owner_id: str
    node: str
    step: str
    file_id: str | None
    state: TaskState
    priority: int
    created_at: float
    executor: Executor = Executor.WORKER
    queue: str = "default"
    attempt: int = 0
    predecessors: int = 0
    waiting_on: int = 0
    unmet: int = 0
    failures: int = 0
    losses: int = 0
    progress: int = 0
    message: str = ""
    not_before: float = 0.0
    delivery_id: str | None = None
    worker: str | None = None
    lease_expires_at: float | None = None
    enqueued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    failure_kind: FailureKind | None = None


class Attempt(NamedTuple):
    """One ended try of a task. ``outcome`` says how it ended; ``accepted`` marks the one that ended the task."""

    task_id: str
    number: int
    job_id: str
    outcome: str
    accepted: bool
    delivery_id: str | None
    worker: str | None
    enqueued_at: float | None
    started_at: float | None
    finished_at: float
    failure_kind: FailureKind | None = None
    message: str = ""
    traceback: str = ""
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


class Result(NamedTuple):
    """The JSON object that a task made."""

    id: str
    job_id: str
    task_id: str
    owner_id: str
    kind: str
    step: str
    file_id: str | None
    data: Json
    created_at: float


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes that a task made, named within its task."""

    id: str
    job_id: str
    task_id: str
    result_id: str
    owner_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: float


class LogLine(NamedTuple):
    """A piece of what a step logged in one attempt."""

    task_id: str
    attempt: int
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker process as it announced itself."""

    id: str
    hostname: str
    slots: int
    queues: tuple[str, ...]
    steps: tuple[str, ...]
    hardware: Json
    announced_at: float
    last_seen_at: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that were submitted together; ``job_count`` of them, whatever was deleted since."""

    id: str
    owner_id: str
    name: str
    pipeline_name: str
    hardware: Json
    created_at: float
    job_count: int = 0


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """How many jobs of a batch there are in each state, and which was submitted first.

    Of those that are pending, ``sent`` have a task on its way to a worker; ``sendable`` have none there, but one that
    could be.
    """

    by_state: Mapping[JobState, int]
    sent: int
    sendable: int
    first_job_id: str

    @property
    def total(self) -> int:
        return sum(self.by_state.values())
