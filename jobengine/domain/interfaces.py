"""The whole outside of the engine on one page: ledger, transport, artifact store, clock.

Every seam is plural: what is done to one thing is done to many in one call. A ``Store`` gives transactions; the rows
of each noun are reached through the ``Ledger`` of a transaction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from jobengine.domain.audit import Difference, JobFold, NamedBytes, WaitingNode
from jobengine.domain.filters import FileFilter, JobFilter, Page, ResultFilter, TaskFilter
from jobengine.domain.records import (
    Artifact,
    Attempt,
    Batch,
    BatchCounts,
    File,
    Job,
    Key,
    LogLine,
    Owner,
    Pipeline,
    Result,
    StepSpec,
    Task,
    WorkerRecord,
)
from jobengine.domain.reports import Delivery, Report
from jobengine.domain.states import JobState, TaskState

Clock = Callable[[], float]
"""Seconds since 1970."""

Place = tuple[str, str, str | None]
"""Where tasks stand in a job: job ID, node key, and file ID, or None for every task of the node."""

AttemptKey = tuple[str, int]
"""One attempt: the ID of its task, and its number."""


class TaskChange(NamedTuple):
    """A guarded write: it holds only while the row still has the state and the attempt of ``before``."""

    before: Task
    after: Task


@dataclass(frozen=True, slots=True)
class JobDelta:
    """What some moved tasks change in their job: counts by state, progress in thousandths, the first start."""

    job_id: str
    counts: Mapping[TaskState, int]
    progress: int = 0
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """Predecessors that became final: ``done`` of them, ``unmet`` without success.

    It concerns the waiting tasks of one node of one job: the one on ``file_id``, or all where that is None.
    """

    job_id: str
    node: str
    file_id: str | None
    done: int
    unmet: int


class TaskRows(Protocol):
    """The tasks."""

    def insert(self, tasks: Sequence[Task]) -> None: ...

    def fetch(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Task]:
        """The tasks of these IDs that exist; ``lock`` keeps other writers from them and from their jobs.

        A transaction locks once: jobs are always locked before tasks, and both in the order of their IDs.
        """

    def of_deliveries(self, delivery_ids: Collection[str], *, lock: bool = False) -> list[Task]:
        """The tasks that are enqueued or running in these deliveries."""

    def of_reports(self, task_ids: Collection[str], delivery_ids: Collection[str]) -> list[Task]:
        """The tasks of these IDs and those that are enqueued or running in these deliveries, oldest first, locked."""

    def of_jobs(
        self, job_ids: Collection[str], states: Collection[TaskState] | None = None, *, lock: bool = False
    ) -> list[Task]:
        """The tasks of these jobs, in these states, oldest first."""

    def first_failed(self, job_ids: Collection[str]) -> dict[str, Task]:
        """The oldest failed task of each of these jobs that has one."""

    def write(self, changes: Sequence[TaskChange]) -> set[str]:
        """Write each ``after`` whose guard holds, in one plural statement; the IDs of the tasks that moved."""

    def settle(self, settlements: Sequence[Settlement]) -> list[Task]:
        """Count predecessors down; the waiting tasks among those touched that now wait on nothing."""

    def pick_ready(
        self,
        queue: str,
        now: float,
        limit: int,
        busy: Mapping[str, int],
        caps: Mapping[str, int],
        *,
        without_steps: Collection[str] = (),
        may_wait: bool = True,
    ) -> list[Task]:
        """Up to ``limit`` worker tasks of a queue that may be dispatched now, locked, in the order to go in.

        Higher priority first. Within a priority owners take turns, who has the fewest tasks in flight first
        (``busy``: owner ID → enqueued and running); an owner with a cap (``caps``) gets no more than it
        leaves room for. Tasks of the steps named are left where they are.
        Tasks that another engine is picking are passed over, and jobs that somebody is at, unless there is nothing
        else and we ``may_wait``: a transaction that has locked jobs already may not.
        """

    def count_in_flight(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        """Enqueued and running worker tasks by owner ID, and enqueued worker tasks by (queue, step name)."""

    def count_ready(self, queue: str, least_priority: int, now: float) -> dict[tuple[int, str], int]:
        """Ready worker tasks of a queue that are due and have at least this priority, by (priority, owner ID)."""

    def count_ready_before(self, task: Task, now: float) -> int:
        """How many of these with the queue, the priority and the owner of a task are older than it."""

    def unclaimed(self, enqueued_before: float, limit: int) -> list[Task]:
        """Enqueued worker tasks without a lease that were dispatched before a time."""

    def lapsed(self, now: float, limit: int) -> list[Task]:
        """Worker tasks whose lease has expired."""

    def page(self, where: TaskFilter, page: Page) -> list[Task]: ...

    def count(self, where: TaskFilter) -> int: ...


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


class FileRows(Protocol):
    """The uploaded files."""

    def insert(self, files: Sequence[File]) -> None: ...

    def fetch(self, ids: Collection[str]) -> dict[str, File]: ...

    def page(self, where: FileFilter, page: Page) -> list[File]: ...

    def count(self, where: FileFilter) -> int: ...

    def first_of_jobs(self, job_ids: Collection[str]) -> dict[str, File]:
        """The first file of each of these jobs, by job; a job without files, or whose first is gone, is left out."""

    def folders(self, owner_id: str | None) -> list[tuple[str, float]]:
        """The folders that files are in, by name, each with the time of its first file."""

    def stored_bytes(self, owner_id: str) -> int:
        """The sizes of the owner's distinct contents, files and artifacts together."""

    def hold(self, owner_id: str, *, to_delete: bool = False) -> None:
        """Keep the owner's files from being deleted until the transaction ends; or wait until nobody else does."""

    def is_needed(self, file_id: str) -> bool:
        """Whether a job that is not final works on the file."""

    def delete(self, ids: Collection[str]) -> int: ...

    def named_hashes(self, sha256s: Collection[str]) -> set[str]:
        """Those of these hashes that any file or artifact row names."""

    def note_orphans(self, sha256s: Collection[str], now: float) -> dict[str, float]:
        """Remember that nothing names these hashes; since when each is known for it, now or an earlier time."""

    def forget_orphans(self, sha256s: Collection[str]) -> None:
        """Forget these, as something names them again or their bytes are gone."""


class CatalogRows(Protocol):
    """Steps, pipelines and workers: what can be run, and by whom."""

    def put_steps(self, specs: Sequence[StepSpec], now: float) -> None: ...

    def steps(self) -> dict[str, StepSpec]:
        """The newest announced version of each step, by name."""

    def put_pipelines(self, pipelines: Sequence[Pipeline]) -> None:
        """Insert, or replace by ID."""

    def pipelines(self, ids: Collection[str]) -> dict[str, Pipeline]: ...

    def find_pipeline(self, owner_id: str | None, name: str, version: int | None = None) -> Pipeline | None:
        """The owner's or the built-in pipeline of that name: this version, or the newest published one."""

    def page_pipelines(self, owner_id: str | None, page: Page) -> list[Pipeline]:
        """The owner's and the built-in pipelines; with None, all."""

    def put_workers(self, workers: Sequence[WorkerRecord]) -> None: ...

    def touch_workers(self, last_seen: Mapping[str, float]) -> None: ...

    def workers(self) -> list[WorkerRecord]: ...


class OwnerRows(Protocol):
    """Owners, their keys and their batches."""

    def insert(self, owners: Sequence[Owner]) -> None: ...

    def fetch(self, ids: Collection[str]) -> dict[str, Owner]: ...

    def find(self, name: str) -> Owner | None: ...

    def all(self) -> list[Owner]: ...

    def page(self, page: Page) -> list[Owner]: ...

    def write_limits(self, owner: Owner) -> None: ...

    def claim_counting(self, owner_ids: Collection[str]) -> set[str]:
        """Those of these owners whose tasks nobody else can have claimed to count until the transaction ends."""

    def insert_keys(self, keys: Sequence[Key]) -> None: ...

    def key(self, key_id: str) -> Key | None: ...

    def keys(self, owner_id: str | None, page: Page) -> list[Key]: ...

    def write_key(self, key: Key) -> None:
        """Write last_used_at, revoked_at and expires_at."""

    def insert_batches(self, batches: Sequence[Batch]) -> None: ...

    def batches(self, owner_id: str | None, page: Page, *, ids: Collection[str] | None = None) -> list[Batch]: ...

    def delete_batches(self, ids: Collection[str]) -> int: ...

    def delete_empty_batches(self, created_before: float, ids: Collection[str] | None = None) -> int:
        """Delete those of all batches, or of these, that have no job and were made before a time; how many."""


class AuditRows(Protocol):
    """What contradicts itself in the ledger, and what the audit compares with the rest of the world."""

    def contradictions(self, lease_floor: float, most: int) -> Iterator[Difference]:
        """Rows that contradict other rows, up to ``most`` of each kind; leases must last beyond ``lease_floor``."""

    def folds(self, after_id: str, limit: int) -> list[JobFold]:
        """The next jobs by ID, each with what its tasks add up to."""

    def waiting_nodes(self) -> list[WaitingNode]:
        """Where tasks wait on others."""

    def miscounted(self, place: WaitingNode, before: Sequence[str], most: int) -> list[Difference]:
        """Waiting tasks of a node whose counts are not those of the tasks at the nodes ``before`` it."""

    def named_bytes(self, kind: str, after_sha256: str, limit: int) -> list[NamedBytes]:
        """The next contents by hash that rows of a kind (``file`` or ``artifact``) name."""

    def is_named(self, sha256: str) -> bool:
        """Whether any file or artifact names the content."""


class Ledger(Protocol):
    """The rows of one transaction."""

    @property
    def tasks(self) -> TaskRows: ...
    @property
    def jobs(self) -> JobRows: ...
    @property
    def results(self) -> ResultRows: ...
    @property
    def files(self) -> FileRows: ...
    @property
    def catalog(self) -> CatalogRows: ...
    @property
    def owners(self) -> OwnerRows: ...
    @property
    def audit(self) -> AuditRows: ...


class Store(Protocol):
    """The ledger. Every method raises EngineError(UNAVAILABLE) when the database cannot be reached."""

    def begin(self) -> AbstractContextManager[Ledger]:
        """A write transaction: committed when the block ends, rolled back when it raises."""

    def read(self) -> AbstractContextManager[Ledger]:
        """A reading transaction: one consistent view."""

    def migrate(self) -> None:
        """Bring the schema to the newest revision."""

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless the database answers and its schema is the newest."""

    def claim_engine(self) -> AbstractContextManager[None]:
        """The right to run an engine on this ledger; raises EngineError(CONFLICT) where only one may, and one does."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Received:
    """Reports that arrived together, under the name by which they are acknowledged."""

    entry_id: str
    reports: tuple[Report, ...]


class Transport(Protocol):
    """Deliveries out, reports in: the engine's end. Every method raises EngineError(UNAVAILABLE) when it is down."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries to the workers' queues, each with the ticket by which one worker may claim it."""

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Take back tickets nobody has claimed; the deliveries that will now never be run."""

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """Those deliveries that no worker will ever run: no ticket, or a ticket and no message on its way."""

    def tickets(self, older_than_seconds: float) -> set[str]:
        """Deliveries that were sent longer ago than this, and whose tickets are still there."""

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """Up to ``limit`` entries, also such as an engine that died left unacknowledged; empty after the wait."""

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """These entries are in the ledger."""

    def backlog(self) -> int:
        """How many entries wait to be acknowledged."""

    def backlog_seconds(self) -> float:
        """How old the oldest entry is that waits to be acknowledged; 0 when none does."""

    def announce_canceled(self, attempts: Collection[AttemptKey]) -> None:
        """Let the workers know that nobody wants these attempts any more; later ones of the same tasks go on."""

    def check(self) -> None: ...


class WorkerChannel(Protocol):
    """Deliveries in, reports out: the worker's end."""

    def claim(self, delivery_id: str, worker: str, attempts: Collection[AttemptKey] = ()) -> set[AttemptKey] | None:
        """Take the ticket and report the claim, both or neither; None when the delivery is not ours to run.

        Otherwise those of these attempts that nobody wants any more.
        """

    def has_waiting(self, queues: Sequence[str]) -> bool:
        """Whether a message waits in one of these queues of the broker; False while nobody can say."""

    def report(self, reports: Sequence[Report]) -> None:
        """Append reports in one entry, in order; raises EngineError(UNAVAILABLE), and is tried again by who called."""

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """Those of these attempts that nobody wants any more."""


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """What the artifact store keeps under a hash."""

    sha256: str
    size_bytes: int
    stored_at: float = 0.0


class ArtifactStore(Protocol):
    """Bytes by SHA-256. Streams both ways; nothing is ever whole in memory, nothing half written is ever seen."""

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream to its end.

        Raises EngineError(TOO_LARGE) past the limit, EngineError(UNAVAILABLE) when the disk is full.
        """

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes from ``start``; raises EngineError(NOT_FOUND)."""

    def stat(self, sha256: str) -> StoredBytes | None: ...

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove what is there of these and was stored before a time; how many that was."""

    def entries(self) -> Iterator[StoredBytes]:
        """Everything there is; for the pruner and the check."""

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless bytes could be stored now; soon, as probes ask."""

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """An address that serves the bytes without the API; None where the store has no such thing."""
