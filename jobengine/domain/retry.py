"""Whether a failed attempt is tried again: a decision as a value."""

from __future__ import annotations

from dataclasses import dataclass

from jobengine.domain.records import RetryPolicy
from jobengine.domain.states import FailureKind

POISON_LOSSES = 3
"""A task that took this many workers down with it is failed, not tried for ever."""

SYSTEM_POLICY = RetryPolicy(max_retries=8, delay_seconds=1.0, backoff=2.0, max_delay_seconds=60.0)
"""Failures of our own are tried again by this, whatever the step's policy says: a full disk takes minutes to mend."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Another attempt, not before this time."""

    not_before: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The failure is the task's last word."""


RetryDecision = TryAgain | GiveUp


def decide(
    policy: RetryPolicy, failures: int, kind: FailureKind, now: float, asked_after_seconds: float | None = None
) -> RetryDecision:
    """What to do about a failed attempt of a task that had failed ``failures`` times before.

    Failures of our own are counted by themselves: they cost the step none of its retries. A failure of kind ``step`` is
    the analysis' own verdict and final, unless the step itself asked for another try after ``asked_after_seconds``.
    """
    if kind is FailureKind.STEP and asked_after_seconds is None:
        return GiveUp()
    policy = SYSTEM_POLICY if kind is FailureKind.SYSTEM else policy
    if failures >= policy.max_retries:
        return GiveUp()
    if asked_after_seconds is not None:
        return TryAgain(now + max(0.0, asked_after_seconds))
    return TryAgain(now + delay_seconds(policy, failures))


def delay_seconds(policy: RetryPolicy, failures: int) -> float:
    """How long to wait after the failure that follows ``failures`` earlier ones."""
    # The exponent is bounded: a step may allow thousands of retries, and floats overflow.
    grown = policy.delay_seconds * policy.backoff ** min(failures, 64)
    return float(min(policy.max_delay_seconds, grown))
