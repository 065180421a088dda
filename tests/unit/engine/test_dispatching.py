"""What is sent, and what stays in the ledger because nobody could take it or nothing could carry it."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

import pytest

from jobengine.domain.announcements import Announcement, PipelineSpec, encode_announcement
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.artifacts import StoredBytes
from jobengine.domain.records import Node, Scope, StepSpec
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.explain import explain_job
from jobengine.verbs.rescue import ATTEMPTS_LIMIT
from tests.unit.engine.world import PIPELINES, STEPS, WORKER, World

GPU_STEP = StepSpec("test.gpu", "1", Scope.FILE, "noop", queue="gpu")
GPU_PIPELINE = PipelineSpec("gpu", 1, (Node("gpu", "test.gpu"),))


def announce(
    world: World, without: str = "", *more: StepSpec, queues: tuple[str, ...] = ("default",), worker: str = WORKER
) -> None:
    """Let a worker say that it has all steps but one, and some more."""
    steps = (*(spec for spec in STEPS if spec.name != without), *more)
    announcement = encode_announcement(Announcement("host", 2, queues, steps, (*PIPELINES, GPU_PIPELINE)))
    world.transport.report([Report(ReportKind.ANNOUNCED, worker, world.now, body=announcement)])
    world.engine.record()


def test_a_step_that_no_live_worker_has_stays_and_holds_up_nothing_else() -> None:
    world = World(window_seconds=0.2)
    announce(world, without="test.segment")
    missed, other = world.submit("cells", files=50), world.submit("noop", files=3)
    assert world.finish() == 3
    assert world.job(other).state is JobState.SUCCEEDED
    assert {task.attempt for task in world.tasks(missed)} == {0}
    announce(world)
    world.finish()
    assert world.job(missed).state is JobState.SUCCEEDED


def test_a_task_of_a_step_that_moved_to_another_queue_waits_for_a_worker_of_its_own(world: World) -> None:
    job = world.submit("noop")
    world.now += 60.0
    moved = replace(next(spec for spec in STEPS if spec.name == "test.noop"), version="2", queue="gpu")
    announce(world, "test.noop")
    announce(world, "test.noop", moved, queues=("gpu",), worker="another@host")
    world.now += 3.0
    assert world.engine.dispatch() == 0
    job = world.job(job)
    with world.store.read() as ledger:
        (explanation,) = explain_job(ledger, job, world.now, is_redis_up=True)
    assert explanation.reason == "no_worker"
    assert "'default' has the step 'test.noop'" in explanation.sentence


def test_an_owner_with_a_limit_gets_as_many_tasks_in_flight_as_are_allowed(world: World) -> None:
    world.limit(running_tasks=4)
    world.submit("noop", files=9)
    deliveries = world.take()
    assert sum(len(delivery.tasks) for delivery in deliveries) == 4
    world.say(ReportKind.SUCCEEDED, deliveries[0], deliveries[0].tasks[0], result={}, artifacts=[])
    world.engine.record()
    assert world.engine.dispatch() == 1


def test_the_limit_of_an_owner_holds_over_all_queues(world: World) -> None:
    announce(world, "", GPU_STEP, queues=("default", "gpu"))
    world.limit(running_tasks=3)
    world.submit("noop", files=2)
    world.submit("gpu", files=2)
    assert sum(len(delivery.tasks) for delivery in world.take()) == 3


def test_nothing_leaves_the_ledger_while_nothing_can_be_sent(world: World) -> None:
    job = world.submit("noop")
    world.transport.is_down = True
    for _ in range(3):
        with pytest.raises(EngineError):
            world.engine.dispatch()
    assert [(task.state, task.attempt) for task in world.tasks(job)] == [(TaskState.READY, 0)]


@pytest.mark.thorough
def test_a_message_that_is_always_lost_is_sent_less_and_less_often(world: World) -> None:
    job = world.submit("noop")
    sent = 0
    for second in range(1200):
        # As seldom as a worker says what it can do.
        if second % 20 == 0:
            world.announce()
        sent += world.engine.dispatch()
        world.transport.lose_everything()
        world.now += 1.0
        world.engine.rescue()
    (task,) = world.tasks(job)
    assert not task.state.is_final
    assert 10 < sent == task.attempt < ATTEMPTS_LIMIT
    for _ in range(10):
        world.now += 10.0
        world.announce()
        world.engine.rescue()
        world.finish()
    assert world.job(job).state is JobState.SUCCEEDED


def test_a_manifest_that_cannot_be_stored_holds_up_its_own_task_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(inline_limit_bytes=2000)
    large, small = world.submit("cells", files=20), world.submit("cells", files=1)
    real_put, is_full = world.artifacts.put, True

    def put(source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        if is_full:
            raise EngineError(ErrorCode.UNAVAILABLE, "The disk is full.")
        return real_put(source, limit_bytes=limit_bytes)

    monkeypatch.setattr(world.artifacts, "put", put)
    world.finish()
    assert world.job(small).state is JobState.SUCCEEDED
    assert world.job(large).counts.enqueued == 1
    is_full = False
    for _ in range(10):
        world.now += 2.0
        world.engine.rescue()
        world.finish()
    assert world.job(large).state is JobState.SUCCEEDED


def test_failures_of_our_own_cost_the_step_none_of_its_retries(world: World) -> None:
    job = world.submit("noop")
    kinds = iter(["system", "system", "crash", "system", "crash"])
    while (kind := next(kinds, None)) is not None:
        world.finish(lambda delivery, task, kind=kind: {"kind": kind, "message": "Broken."})
        world.now += 60.0
        world.announce()
    world.finish()
    (task,) = world.tasks(job)
    assert (task.state, task.failures, task.attempt) == (TaskState.SUCCEEDED, 2, 6)


@pytest.mark.parametrize("ahead_seconds", [-90.0, 90.0])
def test_how_long_a_step_takes_is_learned_from_workers_whose_clocks_are_wrong(ahead_seconds: float) -> None:
    world = World(window_seconds=10.0)
    world.submit("noop")
    (delivery,) = world.take()
    (task,) = delivery.tasks
    clock = world.now + ahead_seconds
    for kind, at, body in ((ReportKind.STARTED, clock, {}), (ReportKind.SUCCEEDED, clock + 5.0, {"seconds": 5.0})):
        world.transport.report([Report(kind, WORKER, at, delivery.id, task.task_id, task.attempt, body)])
    world.engine.record()
    world.submit("noop", files=50)
    # Two slots, each with ten seconds of work ahead.
    assert world.engine.dispatch() == 4


def test_in_a_long_rolling_upgrade_the_newer_version_of_a_step_counts_all_the_time(world: World) -> None:
    newer = replace(next(spec for spec in STEPS if spec.name == "test.noop"), version="2")
    announce(world, "test.noop", newer, worker="new@host")
    versions = set()
    for _ in range(20):
        for worker, more in (("old@host", STEPS[-1]), ("new@host", newer)):
            world.now += 5.0
            announce(world, "test.noop", more, worker=worker)
            with world.store.read() as ledger:
                versions.add(ledger.catalog.steps()["test.noop"].version)
    assert versions == {"2"}


def test_a_worker_that_announces_what_nobody_could_keep_to_holds_up_nothing(world: World) -> None:
    world.submit("noop", files=2)
    world.finish()
    odd = replace(next(spec for spec in STEPS if spec.name == "test.noop"), tasks_per_delivery=2.0)  # type: ignore[arg-type]
    announce(world, "test.noop", odd, worker="odd@host")
    job = world.submit("noop", files=5)
    world.finish()
    assert world.job(job).state is JobState.SUCCEEDED
