"""Why tasks are where they are, said without reading more of a large job than is said."""

from __future__ import annotations

import pytest

from jobengine.store import tasks as task_rows
from jobengine.verbs import explain
from tests.unit.engine.world import World


def test_of_a_large_job_only_the_oldest_tasks_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.submit("cells", files=30)
    oldest = [task.id for task in world.tasks(job)[:5]]
    read: list[object] = []
    real_read_task = task_rows.read_task

    def read_task(row: tuple[object, ...]) -> object:
        read.append(row)
        return real_read_task(row)

    monkeypatch.setattr(task_rows, "read_task", read_task)
    monkeypatch.setattr(explain, "TASKS_LIMIT", 5)
    with world.store.read() as ledger:
        explanations = explain.explain_job(ledger, job, world.now, is_redis_up=True)
    assert [explanation.task.id for explanation in explanations] == oldest
    assert len(read) == 5
