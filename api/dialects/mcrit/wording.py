"""Our words and MCRIT's: the page says "processing" where the real system says "in_progress"."""

from __future__ import annotations

from jobengine.domain.states import JobState

STATES = {
    JobState.PENDING: "queued",
    JobState.RUNNING: "in_progress",
    JobState.SUCCEEDED: "finished",
    JobState.FAILED: "failed",
    JobState.CANCELED: "terminated",
}
"""The real system's words."""

PAGE_STATES = {**STATES, JobState.RUNNING: "processing"}
"""The page's words."""

MEANINGS = {word: state for words in (STATES, PAGE_STATES) for state, word in words.items()}
"""Every word back to the one state that it means."""
