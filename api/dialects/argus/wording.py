"""Our words and those of SampleDB."""

from __future__ import annotations

from jobengine.domain.records import Task
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
    # Aborting takes effect at once here, and jobs do not time out as a whole.
    "abortRequested": (),
    "timeout": (),
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


def word_of(task: Task) -> str:
    """The word for a task; one that ran out of time has a word of its own."""
    if task.state is TaskState.FAILED and task.failure_kind is FailureKind.TIMEOUT:
        return "timeout"
    return TASK_WORDS[task.state]
