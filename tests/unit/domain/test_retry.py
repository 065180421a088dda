"""Retry decisions."""

from __future__ import annotations

import pytest

from jobengine.domain.records import RetryPolicy
from jobengine.domain.retry import GiveUp, TryAgain, decide, delay_seconds
from jobengine.domain.states import FailureKind

POLICY = RetryPolicy(max_retries=2, delay_seconds=1.0, backoff=2.0, max_delay_seconds=3.0)


def test_a_verdict_of_the_step_is_final() -> None:
    assert decide(POLICY, 0, FailureKind.STEP, now=10.0) == GiveUp()


def test_a_step_may_ask_for_another_try_within_its_policy() -> None:
    assert decide(POLICY, 1, FailureKind.STEP, now=10.0, asked_after_seconds=7.0) == TryAgain(17.0)
    assert decide(POLICY, 1, FailureKind.STEP, now=10.0, asked_after_seconds=-7.0) == TryAgain(10.0)
    assert decide(POLICY, 2, FailureKind.STEP, now=10.0, asked_after_seconds=7.0) == GiveUp()


@pytest.mark.parametrize("kind", [FailureKind.CRASH, FailureKind.TIMEOUT, FailureKind.MEMORY, FailureKind.LOST])
def test_other_failures_are_tried_again_as_often_as_the_policy_says(kind: FailureKind) -> None:
    decisions = [decide(POLICY, failures, kind, now=10.0) for failures in range(4)]
    assert decisions == [TryAgain(11.0), TryAgain(12.0), GiveUp(), GiveUp()]


def test_failures_of_our_own_are_tried_for_minutes_whatever_the_policy_says() -> None:
    waits = []
    while isinstance(decision := decide(POLICY, len(waits), FailureKind.SYSTEM, now=0.0), TryAgain):
        waits.append(decision.not_before)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_delays_double_up_to_their_limit_and_never_overflow() -> None:
    assert [delay_seconds(POLICY, failures) for failures in (0, 1, 2, 5000)] == [1.0, 2.0, 3.0, 3.0]
