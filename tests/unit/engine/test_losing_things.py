"""Whatever is lost, repeated or late, a task ends once."""

from __future__ import annotations

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import FailureKind, JobState, TaskState
from tests.unit.engine.world import OWNER, WORKER, World

GRACE = 6.0
LEASE = 16


@pytest.fixture
def rested(world: World) -> World:
    """A world in which the rescuer no longer holds back for its start."""
    world.watch(10)
    return world


def test_a_lost_message_is_found_and_its_task_goes_again(rested: World) -> None:
    job = rested.submit("cells")
    rested.engine.dispatch()
    rested.transport.lose_messages()
    assert rested.engine.rescue() == 0
    rested.now += GRACE
    assert rested.engine.rescue() == 1
    assert rested.finish() == 3
    assert rested.job(job).state is JobState.SUCCEEDED
    assert rested.tasks(job)[0].attempt == 2


def test_an_emptied_redis_costs_no_job(rested: World) -> None:
    job = rested.submit("cells", files=3)
    rested.engine.dispatch()
    rested.transport.lose_everything()
    rested.now += GRACE
    assert rested.engine.rescue() == 0
    rested.now += 1.0
    assert rested.engine.rescue() == 3
    rested.finish()
    assert rested.job(job).state is JobState.SUCCEEDED


def test_a_claim_that_is_not_recorded_yet_keeps_its_task(rested: World) -> None:
    rested.submit("cells")
    rested.take()
    rested.now += GRACE
    assert rested.engine.rescue() == 0
    rested.now += 1.0
    assert rested.engine.rescue() == 0
    rested.engine.record()
    rested.now += 1.0
    assert rested.engine.rescue() == 0


def test_a_message_that_comes_twice_is_run_once(rested: World) -> None:
    rested.submit("cells")
    rested.engine.dispatch()
    rested.transport.repeat_messages()
    assert len(rested.take()) == 1


def test_a_withdrawn_delivery_cannot_be_claimed_any_more(rested: World) -> None:
    rested.submit("cells")
    rested.engine.dispatch()
    delivery = rested.transport.take()
    assert delivery is not None
    rested.now += GRACE
    assert rested.engine.rescue() == 1
    assert rested.transport.claim(delivery.id, "slow worker") is None


def test_a_lapsed_lease_is_rescued_and_the_late_report_refused(rested: World) -> None:
    job = rested.submit("cells")
    (delivery,) = rested.take()
    rested.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    rested.engine.record()
    assert rested.watch(LEASE) == 1
    rested.say(ReportKind.SUCCEEDED, delivery, delivery.tasks[0], result={"late": True}, artifacts=[])
    rested.engine.record()
    assert rested.results(job) == []
    rested.finish()
    task = rested.tasks(job)[0]
    assert (task.state, task.attempt, task.failures, task.losses) == (TaskState.SUCCEEDED, 2, 0, 0)
    assert {"late": True} not in [result.data for result in rested.results(job)]


def test_the_renewal_of_a_rescued_attempt_stops_that_attempt_and_not_the_next(rested: World) -> None:
    rested.submit("cells")
    (delivery,) = rested.take()
    rested.engine.record()
    assert rested.watch(LEASE) == 1
    (again,) = rested.take()
    rested.say(ReportKind.RENEWED, delivery, delivery.tasks[0])
    rested.engine.record()
    first, second = ((d.tasks[0].task_id, d.tasks[0].attempt) for d in (delivery, again))
    assert rested.transport.canceled([first, second]) == {first}


def test_a_renewal_that_waits_to_be_recorded_holds_the_lease(rested: World) -> None:
    rested.submit("cells")
    (delivery,) = rested.take()
    rested.engine.record()
    rested.now += 10.0
    rested.say(ReportKind.RENEWED, delivery)
    rested.now += 6.0
    assert rested.engine.rescue() == 0
    rested.engine.record()
    assert rested.engine.rescue() == 0


def test_reports_that_come_twice_change_nothing(rested: World) -> None:
    job = rested.submit("cells", files=2)
    for delivery in rested.take():
        rested.work(delivery, lambda delivery, task: None)
        rested.work(delivery, lambda delivery, task: None)
    rested.engine.record()
    rested.finish()
    assert rested.job(job).state is JobState.SUCCEEDED
    assert len(rested.results(job)) == 5


def test_a_crash_of_the_engine_between_commit_and_acknowledgement_changes_nothing(rested: World) -> None:
    job = rested.submit("noop", files=3)
    for delivery in rested.take():
        rested.work(delivery, lambda delivery, task: None)
    acknowledge, rested.transport.acknowledge = rested.transport.acknowledge, _break  # type: ignore[method-assign]
    with pytest.raises(EngineError):
        rested.engine.record()
    rested.transport.acknowledge = acknowledge  # type: ignore[method-assign]
    rested.transport.reread_reports()
    rested.engine.record()
    assert rested.job(job).state is JobState.SUCCEEDED
    assert len(rested.results(job)) == 3


def test_what_was_written_and_cannot_be_acknowledged_is_not_written_again(rested: World) -> None:
    rested.submit("noop")
    (delivery,) = rested.take()
    rested.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    rested.say(ReportKind.LOGGED, delivery, delivery.tasks[0], text="once")
    acknowledge, rested.transport.acknowledge = rested.transport.acknowledge, _break  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(EngineError):
            rested.engine.record()
    rested.transport.acknowledge = acknowledge  # type: ignore[method-assign]
    rested.engine.record()
    assert rested.transport.backlog() == 0
    with rested.store.read() as ledger:
        assert [line.text for line in ledger.results.logs(delivery.tasks[0].task_id)] == ["once"]


def _break(entry_ids: object) -> None:
    raise EngineError(ErrorCode.UNAVAILABLE, "gone")


def test_a_worker_that_shuts_down_gives_its_tasks_back_for_free(rested: World) -> None:
    job = rested.submit("cells")
    (delivery,) = rested.take()
    rested.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    rested.say(ReportKind.RETURNED, delivery)
    rested.engine.record()
    task = rested.tasks(job)[0]
    assert (task.state, task.failures, task.losses) == (TaskState.READY, 0, 0)
    assert rested.job(job).state is JobState.RUNNING


def test_a_task_that_takes_three_workers_down_is_poison_and_its_siblings_are_not(rested: World) -> None:
    rested.submit("noop", files=2)
    rested.finish()
    job = rested.submit("noop", files=8)
    poison = rested.tasks(job)[3].id
    for _ in range(3):
        for delivery in rested.take():
            for task in delivery.tasks:
                rested.say(ReportKind.STARTED, delivery, task)
                if task.task_id == poison:
                    rested.say(ReportKind.LOST, delivery, kind="lost", message="Killed by signal 9.")
                    break
                rested.say(ReportKind.SUCCEEDED, delivery, task, result={}, artifacts=[])
        rested.engine.record()
    rested.finish()
    done = rested.job(job)
    assert (done.counts.succeeded, done.counts.failed) == (7, 1)
    task = next(task for task in rested.tasks(job) if task.id == poison)
    assert (task.failure_kind, task.losses, task.attempt) == (FailureKind.LOST, 2, 3)
    assert "not tried again" in task.message


def test_nobody_is_blamed_for_a_process_that_went_down_at_a_task_that_was_canceled(rested: World) -> None:
    rested.submit("noop", files=2)
    rested.finish()
    unwanted, other = rested.submit("noop", files=1), rested.submit("noop", files=3)
    delivery = rested.take()[0]
    at, sibling = delivery.tasks
    assert (at.job_id, sibling.job_id) == (unwanted.id, other.id)
    rested.say(ReportKind.STARTED, delivery, at)
    rested.engine.record()
    rested.engine.cancel(OWNER, [unwanted.id])
    rested.say(ReportKind.LOST, delivery, at)
    rested.engine.record()
    (task,) = (task for task in rested.tasks(other) if task.id == sibling.task_id)
    assert (task.state, task.losses) == (TaskState.READY, 0)


def test_while_redis_is_down_jobs_are_accepted_and_nothing_is_taken(rested: World) -> None:
    rested.transport.is_down = True
    job = rested.submit("cells")
    for verb in (rested.engine.dispatch, rested.engine.rescue, rested.engine.record):
        with pytest.raises(EngineError) as caught:
            verb()
        assert caught.value.code is ErrorCode.UNAVAILABLE
    assert rested.tasks(job)[0].state is TaskState.READY
    rested.transport.is_down = False
    rested.finish()
    assert rested.job(job).state is JobState.SUCCEEDED


def test_after_redis_was_away_workers_get_time_to_renew(rested: World) -> None:
    rested.submit("cells")
    (delivery,) = rested.take()
    rested.engine.record()
    rested.transport.is_down = True
    rested.now += LEASE
    with pytest.raises(EngineError):
        rested.engine.rescue()
    rested.transport.is_down = False
    assert rested.engine.rescue() == 0
    rested.say(ReportKind.RENEWED, delivery)
    rested.engine.record()
    rested.now += 6.0
    assert rested.engine.rescue() == 0


def test_after_redis_was_away_for_a_moment_a_lapsed_lease_is_rescued_at_once(rested: World) -> None:
    rested.submit("cells")
    rested.take()
    rested.engine.record()
    assert rested.watch(LEASE - 2) == 0
    rested.transport.is_down = True
    rested.now += 1.0
    with pytest.raises(EngineError):
        rested.engine.rescue()
    rested.transport.is_down = False
    rested.now += 1.0
    assert rested.engine.rescue() == 1


def test_a_redis_that_is_emptied_ten_times_in_a_row_makes_no_task_wait(rested: World) -> None:
    job = rested.submit("cells")
    for attempt in range(1, 11):
        rested.announce()
        rested.engine.record()
        assert rested.engine.dispatch() == 1
        assert rested.tasks(job)[0].attempt == attempt
        rested.transport.lose_messages()
        rested.now += GRACE
        assert rested.engine.rescue() == 1
    assert rested.tasks(job)[0].not_before <= rested.now


def test_a_report_that_cannot_be_written_fails_its_task_alone(rested: World) -> None:
    job = rested.submit("noop", files=2)
    for index, delivery in enumerate(rested.take()):
        for number, task in enumerate(delivery.tasks):
            artifacts = [{"name": "half"}] if index + number == 0 else []
            rested.say(ReportKind.SUCCEEDED, delivery, task, result={}, artifacts=artifacts)
    rested.engine.record()
    tasks = rested.tasks(job)
    assert sorted(task.state.value for task in tasks) == ["ready", "succeeded"]
    broken = next(task for task in tasks if task.state is TaskState.READY)
    assert broken.failure_kind is FailureKind.SYSTEM
    rested.now += 10.0
    rested.finish()
    assert rested.job(job).state is JobState.SUCCEEDED


def test_an_entry_of_which_nothing_can_be_written_holds_up_no_other(rested: World) -> None:
    job = rested.submit("noop")
    (delivery,) = rested.take()
    rested.transport.report([Report(ReportKind.LOGGED, WORKER, rested.now, delivery.id, ["no ID"], 1)])  # type: ignore[arg-type]
    rested.work(delivery, lambda delivery, task: None)
    rested.engine.record()
    assert rested.transport.backlog() == 0
    assert rested.job(job).state is JobState.SUCCEEDED
