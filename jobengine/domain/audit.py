"""What must always hold between rows, counters, bytes and Redis, and a place where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from jobengine.domain.records import Counts, Job


class Invariant(str, Enum):
    """What the audit recomputes."""

    ATTEMPTS = "attempts"
    RESULTS = "results"
    LEASES = "leases"
    WAITING = "waiting"
    COUNTS = "counts"
    STATES = "states"
    STATISTICS = "statistics"
    ORPHANS = "orphans"
    BYTES = "bytes"
    DELIVERIES = "deliveries"
    TICKETS = "tickets"


SENTENCES: dict[Invariant, str] = {
    Invariant.ATTEMPTS: "Each task that succeeded or failed has one accepted attempt, the last, which says the same.",
    Invariant.RESULTS: "Each task that succeeded has one result, which names the same job, owner, step and file.",
    Invariant.LEASES: "What runs has a lease that is renewed, and nothing else has one.",
    Invariant.WAITING: "A waiting task waits on as many predecessors as are unfinished, and on at least one.",
    Invariant.COUNTS: "The counts and the progress on a job's row are those of its tasks.",
    Invariant.STATES: "A job's state is what its tasks add up to.",
    Invariant.STATISTICS: "The statistics by owner, pipeline and state are those of the jobs.",
    Invariant.ORPHANS: "Every row belongs to something that is there.",
    Invariant.BYTES: "The bytes that a file or an artifact names are stored, complete and unchanged.",
    Invariant.DELIVERIES: "A task that was sent has a ticket and a message, or a worker that claimed it.",
    Invariant.TICKETS: "A ticket in Redis belongs to a delivery that is about.",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where something does not hold: the ID of what it concerns, what follows from the rows, and what is there."""

    invariant: Invariant
    subject_id: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class JobFold:
    """A job as its row says, and what its tasks add up to."""

    job: Job
    counts: Counts
    progress: int
    has_started_task: bool


@dataclass(frozen=True, slots=True)
class NamedBytes:
    """Bytes that rows name: the smallest and the largest size that they say, and one of these rows."""

    sha256: str
    size_bytes: int
    largest_bytes: int
    row_id: str


@dataclass(frozen=True, slots=True)
class WaitingNode:
    """A node of a pipeline at which tasks wait."""

    pipeline_id: str
    node: str
