"""The checker of the chaos runs finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jobengine.domain.records import Job, Result, Task
from jobengine.domain.states import FailureKind, JobState, TaskState
from tests.contract.rows import NOW, make_job, make_result, make_task
from tests.faults.chaos.__main__ import is_enough
from tests.faults.chaos.checker import DIGESTS, count_wrong, is_right_end
from tests.faults.chaos.recovery import Hit, has_recovered
from tests.faults.chaos.steps import expected

LEASE = 15.0
SHORT = {"pipeline": "chaos-short"}
SUCCEEDED, FAILED, CANCELED = JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED


def ended(state: JobState) -> Job:
    """A job that has ended so."""
    return replace(make_job(), state=state)


def failed(kind: FailureKind, losses: int = 0) -> Task:
    """A task that failed as this."""
    return make_task()._replace(state=TaskState.FAILED, failure_kind=kind, losses=losses)


@pytest.mark.parametrize(
    ("line", "state", "tasks", "is_right"),
    [
        (SHORT, SUCCEEDED, [], True),
        (SHORT, CANCELED, [], False),
        (SHORT, FAILED, [failed(FailureKind.CRASH)], False),
        (SHORT, FAILED, [failed(FailureKind.SYSTEM)], False),
        (SHORT, FAILED, [failed(FailureKind.LOST, losses=3)], True),
        (SHORT, FAILED, [failed(FailureKind.LOST, losses=1)], False),
        ({"pipeline": "chaos-rejecting"}, FAILED, [failed(FailureKind.STEP)], True),
        ({"pipeline": "chaos-rejecting"}, SUCCEEDED, [], False),
        ({"pipeline": "chaos-hungry"}, FAILED, [failed(FailureKind.MEMORY)], True),
        ({"pipeline": "chaos-hungry"}, FAILED, [failed(FailureKind.CRASH)], False),
        ({"pipeline": "chaos-deadly"}, FAILED, [failed(FailureKind.LOST, losses=3)], True),
        ({**SHORT, "state_when_canceled": "canceled"}, CANCELED, [], True),
        ({**SHORT, "state_when_canceled": "canceled"}, SUCCEEDED, [], False),
        ({**SHORT, "state_when_canceled": "succeeded"}, SUCCEEDED, [], True),
        ({**SHORT, "cancel_was_asked_for": True}, SUCCEEDED, [], True),
    ],
)
def test_a_job_must_end_as_its_pipeline_does_or_as_its_client_was_told(
    line: dict[str, Any], state: JobState, tasks: list[Task], is_right: bool
) -> None:
    assert is_right_end(ended(state), tasks, line) is is_right


def test_a_digest_that_is_not_that_of_the_file_is_wrong_and_so_is_a_sum_over_other_files() -> None:
    digest, other = DIGESTS["0.bin"], DIGESTS["1.bin"]
    of_file = result(digest, "file")
    right_sum, wrong_sum = result(expected(digest.encode())), result(expected(other.encode()))
    assert count_wrong([of_file, right_sum], {"file": "0.bin"}) == 0
    assert count_wrong([of_file, wrong_sum], {"file": "0.bin"}) == 1
    assert count_wrong([of_file, right_sum], {"file": "1.bin"}) == 2


def result(digest: str, file_id: str | None = None) -> Result:
    """A result of one job."""
    return make_result()._replace(job_id="job", file_id=file_id, data={"digest": digest})


def test_a_renewal_that_may_have_been_sent_before_the_kill_is_no_recovery() -> None:
    hit, task = Hit(attempt=1), make_task()._replace(state=TaskState.RUNNING, attempt=1)
    assert not has_recovered(task._replace(lease_expires_at=NOW - 1 + LEASE), hit, NOW, LEASE)
    first = task._replace(lease_expires_at=NOW + 1 + LEASE)
    assert not has_recovered(first, hit, NOW, LEASE)
    assert not has_recovered(first, hit, NOW, LEASE)
    assert has_recovered(task._replace(lease_expires_at=NOW + 6 + LEASE), hit, NOW, LEASE)


def test_the_next_attempt_has_recovered_when_a_worker_has_claimed_it() -> None:
    hit, task = Hit(attempt=1), make_task()._replace(state=TaskState.ENQUEUED, attempt=2)
    assert not has_recovered(task, hit, NOW, LEASE)
    assert has_recovered(task._replace(lease_expires_at=NOW + 9 + LEASE), hit, NOW, LEASE)
    assert has_recovered(task._replace(state=TaskState.CANCELED), hit, NOW, LEASE)


def test_a_long_run_with_few_kills_or_any_with_a_slow_recovery_says_nothing() -> None:
    def figures(kills: int, p99: float) -> dict[str, Any]:
        return {"kills": kills, "recovery_seconds": {"p50": 1.0, "p99": p99, "max": 30.0}}

    assert is_enough(figures(120, 12.0), 600)
    assert is_enough(figures(8, 12.0), 60)
    assert not is_enough(figures(99, 12.0), 600)
    assert not is_enough(figures(120, 20.1), 600)
