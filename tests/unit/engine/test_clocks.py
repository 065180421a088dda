"""Clocks that jump, and machines that sleep."""

from __future__ import annotations

from jobengine.domain.reports import ReportKind
from jobengine.domain.states import TaskState
from tests.unit.engine.world import World


def test_after_a_sleep_of_the_machine_workers_get_time_to_renew(world: World) -> None:
    world.watch(10)
    awake, dead = world.submit("cells"), world.submit("cells")
    (delivery, _) = world.take()
    world.engine.record()
    world.now += 3600.0
    assert world.watch(5) == 0
    world.say(ReportKind.RENEWED, delivery)
    world.engine.record()
    assert world.watch(4) == 1
    assert [world.tasks(job)[0].state for job in (awake, dead)] == [TaskState.ENQUEUED, TaskState.READY]
