"""Our words and those of SampleDB."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

from jobengine.domain.records import Job, Task
from jobengine.domain.states import FailureKind, JobState, TaskState

JOB_WORDS = {
    JobState.PENDING: "enqueued",
    JobState.RUNNING: "executing",
    JobState.SUCCEEDED: "done",
    # A job there is done when all its tasks are; how they went, the tasks say.
    JobState.FAILED: "done",
    JobState.CANCELED: "aborted",
}

JOB_STATES: dict[str, tuple[JobState, ...]] = {
    "enqueued": (JobState.PENDING,),
    "executing": (JobState.RUNNING,),
    "done": (JobState.SUCCEEDED, JobState.FAILED),
    "aborted": (JobState.CANCELED,),
    # Aborting takes effect at once here.
    "abortRequested": (),
    # Of those that failed, the ones that ran out of time; the others are done.
    "timeout": (JobState.FAILED,),
}
"""Every word back to the states that it means."""

TASK_WORDS = {
    TaskState.WAITING: "enqueued",
    TaskState.READY: "enqueued",
    TaskState.ENQUEUED: "enqueued",
    TaskState.RUNNING: "executing",
    TaskState.SUCCEEDED: "success",
    TaskState.FAILED: "failed",
    TaskState.CANCELED: "cancelled",
}

TASK_STATES = {
    "enqueued": TaskState.ENQUEUED,
    "executing": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.CANCELED,
}
"""What a client may move a task to."""


def word_of_job(job: Job, *, is_timed_out: bool) -> str:
    """The word for a job; a failed one of which a task ran out of time has a word of its own."""
    return "timeout" if job.state is JobState.FAILED and is_timed_out else JOB_WORDS[job.state]


def states_of(words: Collection[str]) -> dict[str, Any]:
    """The criteria of a filter for jobs that have one of these words."""
    states = tuple(dict.fromkeys(chain(*(JOB_STATES[word] for word in words))))
    is_split = ("done" in words) != ("timeout" in words)
    return {
        "states": None if len(states) == len(JobState) else states,
        "timed_out": "timeout" in words if is_split else None,
    }


def word_of(task: Task) -> str:
    """The word for a task; one that ran out of time has a word of its own."""
    if task.state is TaskState.FAILED and task.failure_kind is FailureKind.TIMEOUT:
        return "timeout"
    return TASK_WORDS[task.state]
