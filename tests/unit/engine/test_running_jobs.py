"""Jobs from submission to their end, through the whole engine, without Redis and without sleeping."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from jobengine.domain.records import File
from jobengine.domain.reports import Delivery, DeliveryTask, ReportKind
from jobengine.domain.states import FailureKind, JobState, TaskState
from jobengine.verbs import prune
from tests.unit.engine.world import OWNER, World


def states(world: World, job: Any) -> list[str]:
    """The states of a job's tasks, by node and file."""
    return [f"{task.node}:{task.state.value}" for task in world.tasks(job)]


def test_a_job_runs_through_fan_out_and_fan_in(world: World) -> None:
    job = world.submit("cells", files=3)
    assert job.state is JobState.PENDING
    assert world.finish() == 7
    done = world.job(job)
    assert (done.state, done.progress, done.counts.succeeded) == (JobState.SUCCEEDED, 7000, 7)
    assert sorted(result.kind for result in world.results(job)) == ["objects"] * 3 + ["segmentation"] * 3 + ["tables"]


def test_a_job_is_pending_until_a_task_starts_and_running_from_then_on(world: World) -> None:
    job = world.submit("cells")
    (delivery,) = world.take()
    world.engine.record()
    assert world.job(job).state is JobState.PENDING
    world.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    world.say(ReportKind.PROGRESSED, delivery, delivery.tasks[0], fraction=0.5, message="half")
    world.engine.record()
    running = world.job(job)
    assert (running.state, running.progress) == (JobState.RUNNING, 500)
    world.say(ReportKind.FAILED, delivery, delivery.tasks[0], kind="crash", message="broke")
    world.engine.record()
    assert world.job(job).state is JobState.RUNNING


def test_a_delivery_carries_parameters_files_and_predecessors(world: World) -> None:
    world.submit("cells", files=2, parameters={"segment": {"sigma": 3.0}})
    first, second = world.take()
    assert first.tasks[0].parameters == {"sigma": 3.0}
    assert {first.tasks[0].files[0].name, second.tasks[0].files[0].name} == {"0.png", "1.png"}
    for delivery in (first, second):
        world.work(delivery, lambda delivery, task: None)
    world.engine.record()
    measure, _ = world.take()
    (before,) = measure.tasks[0].predecessors
    assert before.file == measure.tasks[0].files[0]
    assert (before.step, before.result) == ("test.segment", {"of": first.tasks[0].task_id})


def test_a_fan_in_over_many_files_travels_as_a_manifest() -> None:
    world = World(inline_limit_bytes=2000)
    job = world.submit("cells", files=40)
    seen: list[DeliveryTask] = []

    def outcome(delivery: Delivery, task: DeliveryTask) -> None:
        if delivery.step == "test.tables":
            seen.append(task)

    world.finish(outcome)
    assert world.job(job).state is JobState.SUCCEEDED
    assert (seen[0].files, seen[0].predecessors) == ((), ())
    assert seen[0].manifest_sha256 in world.artifacts.contents


def test_one_bad_file_does_not_sink_the_others(world: World) -> None:
    job = world.submit("cells", files=3)
    bad = world.tasks(job)[1].file_id

    def outcome(delivery: Delivery, task: DeliveryTask) -> Mapping[str, Any] | None:
        is_bad = delivery.step == "test.segment" and task.files[0].id == bad
        return {"kind": "step", "message": "This is no image."} if is_bad else None

    world.finish(outcome)
    failed = world.job(job)
    assert failed.state is JobState.FAILED
    assert (failed.counts.succeeded, failed.counts.failed, failed.counts.canceled) == (5, 1, 1)
    task = next(task for task in world.tasks(job) if task.state is TaskState.FAILED)
    assert (task.failure_kind, task.message, task.attempt) == (FailureKind.STEP, "This is no image.", 1)
    assert "tables" in {result.kind for result in world.results(job)}


def test_a_tolerated_failure_lets_the_job_succeed(world: World) -> None:
    job = world.submit("cells", files=2, tolerated_failures=1)
    bad = world.tasks(job)[0].id
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"} if task.task_id == bad else None)
    assert world.job(job).state is JobState.SUCCEEDED


def test_a_step_that_insists_on_all_is_canceled_after_one_failure(world: World) -> None:
    job = world.submit("strict", files=2)
    bad = world.tasks(job)[0].id
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"} if task.task_id == bad else None)
    assert states(world, job) == ["measure:failed", "measure:succeeded", "verdict:canceled"]


def test_a_crash_is_tried_again_after_its_delay_and_then_given_up(world: World) -> None:
    job = world.submit("cells")
    crash = {"kind": "crash", "message": "ZeroDivisionError", "traceback": "line 1"}
    assert world.finish(lambda delivery, task: crash) == 1
    assert world.finish(lambda delivery, task: crash) == 0
    world.now += 10.0
    assert world.finish(lambda delivery, task: crash) == 1
    world.now += 20.0
    assert world.finish(lambda delivery, task: crash) == 1
    task = world.tasks(job)[0]
    assert (task.state, task.attempt, task.failures) == (TaskState.FAILED, 3, 3)
    attempts = world.attempts(task)
    assert [(attempt.number, attempt.accepted, attempt.traceback) for attempt in attempts] == [
        (1, False, "line 1"),
        (2, False, "line 1"),
        (3, True, "line 1"),
    ]


def test_short_tasks_travel_together_once_they_are_known_to_be_short(world: World) -> None:
    world.submit("noop", files=2)
    world.finish()
    world.submit("noop", files=400)
    sizes = [len(delivery.tasks) for delivery in world.take()]
    assert (sum(sizes), max(sizes)) == (400, 100)


def test_the_backlog_stays_in_the_ledger(world: World) -> None:
    job = world.submit("cells", files=50)
    assert sum(len(delivery.tasks) for delivery in world.take()) < 20
    assert world.engine.dispatch() == 0
    assert world.job(job).counts.ready > 30


def test_a_higher_priority_goes_first(world: World) -> None:
    low = world.submit("noop", files=1, priority=1)
    high = world.submit("noop", files=1, priority=9)
    assert [delivery.tasks[0].job_id for delivery in world.take()] == [high.id, low.id]


def test_an_owner_with_a_limit_gets_no_more_tasks_in_flight(world: World) -> None:
    world.limit(running_tasks=2)
    world.submit("noop", files=5)
    assert sum(len(delivery.tasks) for delivery in world.take()) == 2
    assert world.engine.dispatch() == 0


def test_nothing_is_sent_to_a_queue_without_a_live_worker(world: World) -> None:
    world.now += 60.0
    job = world.submit("noop", files=1)
    assert world.engine.dispatch() == 0
    assert states(world, job) == ["noop:ready"]
    world.announce()
    assert world.engine.dispatch() == 1


def test_canceling_reaches_every_task_and_the_workers(world: World) -> None:
    job = world.submit("cells", files=2)
    first, second = world.take()
    world.say(ReportKind.STARTED, first, first.tasks[0])
    world.engine.record()
    assert world.engine.cancel(OWNER, [job.id]) == 1
    assert world.job(job).state is JobState.CANCELED
    flying = {(delivery.tasks[0].task_id, 1) for delivery in (first, second)}
    assert world.transport.canceled(flying) == flying
    world.say(ReportKind.SUCCEEDED, first, first.tasks[0], result={}, artifacts=[])
    world.engine.record()
    assert world.results(job) == []
    assert world.engine.cancel(OWNER, [job.id]) == 0


def test_a_worker_that_missed_a_cancellation_hears_of_it_when_it_renews(world: World) -> None:
    job = world.submit("cells")
    (delivery,) = world.take()
    world.engine.record()
    world.engine.cancel(OWNER, [job.id])
    world.transport.lose_everything()
    world.say(ReportKind.RENEWED, delivery, delivery.tasks[0])
    world.engine.record()
    attempt = (delivery.tasks[0].task_id, 1)
    assert world.transport.canceled([attempt]) == {attempt}


def test_a_deleted_job_leaves_nothing(world: World) -> None:
    job = world.submit("cells")
    world.finish()
    assert world.engine.delete("b" * 24, [job.id]) == 0
    assert world.engine.delete(OWNER, [job.id]) == 1
    assert (world.tasks(job), world.results(job)) == ([], [])


def test_old_jobs_are_pruned() -> None:
    world = World(job_retention_days=1.0)
    job = world.submit("noop")
    world.finish()
    assert world.engine.prune() == 0
    world.now += 2 * 86_400.0
    assert world.engine.prune() == 1
    assert world.tasks(job) == []


def test_bytes_that_no_row_has_named_for_a_day_are_pruned(world: World) -> None:
    stored = world.artifacts.put(io.BytesIO(b"orphan"))
    world.now += 2 * 86_400.0
    assert world.engine.prune() == 0
    world.now += 86_000.0
    assert world.engine.prune() == 0
    world.now += 4000.0
    assert world.engine.prune() == 1
    assert world.artifacts.stat(stored.sha256) is None


def test_old_bytes_whose_job_was_deleted_a_moment_ago_are_spared(world: World) -> None:
    stored = world.artifacts.put(io.BytesIO(b"named"))
    with world.store.begin() as ledger:
        ledger.files.insert([File("f" * 24, OWNER, "a", "", "text/plain", 5, stored.sha256, world.now)])
    for _ in range(3):
        world.now += 2 * 86_400.0
        assert world.engine.prune() == 0
    world.engine.delete_file(OWNER, "f" * 24)
    world.now += 4000.0
    assert world.engine.prune() == 0
    assert world.artifacts.stat(stored.sha256) is not None
    world.now += 86_401.0
    assert world.engine.prune() == 1


def test_a_large_store_is_searched_in_several_rounds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "_HASHES_AT_ONCE", 2)
    monkeypatch.setattr(prune, "_CHUNKS_AT_ONCE", 3)
    for number in range(15):
        world.artifacts.put(io.BytesIO(str(number).encode()))
    for found in ([1, 1, 0], [7, 7, 3]):
        world.now += 2 * 86_400.0
        assert [world.engine.prune() for _ in found] == found
