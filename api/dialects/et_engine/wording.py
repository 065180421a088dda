"""Our words and ET Engine's, which are those of AWS Batch."""

from __future__ import annotations

from jobengine.domain.records import BatchCounts, Job
from jobengine.domain.states import JobState

COUNTERS = ("submitted", "pending", "runnable", "starting", "running", "succeeded", "failed")

STARTED_COUNTERS = {
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    # There is no word for it; a client waits until all jobs have succeeded or failed.
    JobState.CANCELED: "failed",
}
"""The words of all states but the pending one, which has several."""

STATES = {
    "submitted": JobState.PENDING,
    "pending": JobState.PENDING,
    "runnable": JobState.PENDING,
    "starting": JobState.PENDING,
    "running": JobState.RUNNING,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
}
"""Every word back to the state that it means."""


def counter_of(job: Job) -> str:
    """The word for a job: a pending one is starting when a task was sent, runnable when one could be."""
    if job.state is not JobState.PENDING:
        return STARTED_COUNTERS[job.state]
    if job.counts.enqueued:
        return "starting"
    return "runnable" if job.counts.ready else "pending"


def counters_of(counts: BatchCounts, deleted: int) -> dict[str, int]:
    """The seven counters, each job in the one that ``counter_of`` says.

    A deleted job counts as failed: a client waits until as many have ended as there were at first.
    """
    counters = dict.fromkeys(COUNTERS, 0)
    for state, word in STARTED_COUNTERS.items():
        counters[word] += counts.by_state[state]
    counters["starting"] = counts.sent
    counters["runnable"] = counts.sendable
    counters["pending"] = counts.by_state[JobState.PENDING] - counts.sent - counts.sendable
    counters["failed"] += deleted
    return counters
