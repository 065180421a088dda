"""Our words and ET Engine's, which are those of AWS Batch."""

from __future__ import annotations

from jobengine.domain.records import Job
from jobengine.domain.states import JobState

COUNTERS = ("submitted", "pending", "runnable", "starting", "running", "succeeded", "failed")

FINAL_COUNTERS = {
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    # There is no word for it; a client waits until all jobs have succeeded or failed.
    JobState.CANCELED: "failed",
}

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
        return FINAL_COUNTERS[job.state]
    if job.counts.enqueued:
        return "starting"
    return "runnable" if job.counts.ready else "pending"
