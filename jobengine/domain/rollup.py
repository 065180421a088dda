"""What tasks add up to: the state and the percentage of their job.

A job's state is a fold over its tasks and nothing else. It never goes backwards: "ever started" outlives a retry,
and final tasks stay final.
"""

from __future__ import annotations

from jobengine.domain.records import PROGRESS_DONE, Counts
from jobengine.domain.states import JobState


def fold_state(
    counts: Counts, *, has_ever_started: bool, tolerated_failures: int = 0, is_cancel_requested: bool = False
) -> JobState:
    """The state of a job whose tasks stand as counted.

    With ``tolerated_failures`` a job whose failed tasks stay within that number succeeds, as long as any task did;
    what was canceled after a tolerated failure does not count, unless somebody canceled the job.
    """
    if counts.unfinished:
        return JobState.RUNNING if has_ever_started else JobState.PENDING
    if counts.failed > (tolerated_failures if counts.succeeded else 0):
        return JobState.FAILED
    if counts.canceled and (counts.failed == 0 or is_cancel_requested):
        return JobState.CANCELED
    return JobState.SUCCEEDED


def fold_percentage(progress: int, counts: Counts) -> int:
    """Whole percent from 0 to 100; 100 exactly when every task is final.

    ``progress`` is the sum of the tasks' progress in thousandths.
    """
    if not counts.unfinished:
        return 100
    return min(99, 100 * progress // (PROGRESS_DONE * counts.total))
