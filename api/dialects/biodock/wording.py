"""Our words and Biodock's."""

from __future__ import annotations

from jobengine.domain.states import JobState

STATUSES = {
    JobState.PENDING: "PENDING",
    JobState.RUNNING: "RUNNING",
    JobState.SUCCEEDED: "SUCCEEDED",
    JobState.FAILED: "FAILED",
    JobState.CANCELED: "CANCELED",
}
"""Of analysis jobs."""

MASKS_STATUSES = {**STATUSES, JobState.PENDING: "SUBMITTED"}
"""Of masks jobs, which are submitted where analysis jobs are pending."""

STATES = {word: state for words in (STATUSES, MASKS_STATUSES) for state, word in words.items()}
"""Every word back to the one state that it means."""
