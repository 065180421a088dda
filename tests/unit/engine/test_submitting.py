"""What is accepted, what is refused with which field, and that a refusal stores nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import JobFilter
from jobengine.domain.ids import IdSource
from jobengine.domain.states import JobState, TaskState
from jobengine.engine import Engine
from jobengine.verbs import submission
from jobengine.verbs.requests import JobRequest, NewTask, TaskReport
from tests.unit.engine.world import OWNER, World


def count_jobs(world: World) -> int:
    """How many jobs the ledger holds."""
    with world.store.read() as ledger:
        return ledger.jobs.count(JobFilter())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pipeline": "nothing"}, "pipeline"),
        ({"pipeline": "cells@9"}, "pipeline"),
        ({"pipeline": "cells@x"}, "pipeline"),
        ({"pipeline": "f" * 24}, "pipeline"),
        ({"file_ids": ()}, "files"),
        ({"file_ids": ("f" * 24,)}, "files.0"),
        ({"priority": 10}, "priority"),
        ({"parameters": {"fold": {}}}, "parameters.fold"),
        ({"parameters": {"segment": 3}}, "parameters.segment"),
        ({"parameters": {"segment": {"sigma": "wide"}}}, "parameters.segment.sigma"),
        ({"parameters": {"segment": {"sigma": -1}}}, "parameters.segment.sigma"),
        ({"parameters": {"segment": {"zeta": 1}}}, "parameters.segment.zeta"),
        ({"parameters": {"measure": {"any": 1}}}, "parameters.measure"),
        ({"pipeline": "masks", "file_ids": ()}, "parent"),
        ({"parent_id": "f" * 24}, "parent"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_with_its_field(
    world: World, fields: dict[str, Any], field: str
) -> None:
    request = {"pipeline": "cells", "file_ids": world.upload(1), **fields}
    with pytest.raises(EngineError) as caught:
        world.engine.submit(JobRequest(OWNER, **request))
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, field)
    assert count_jobs(world) == 0


def test_a_file_named_twice_or_of_somebody_else_is_refused(world: World) -> None:
    (file_id,) = world.upload(1)
    for owner, files, field in ((OWNER, (file_id, file_id), "files"), ("b" * 24, (file_id,), "files.0")):
        with pytest.raises(EngineError) as caught:
            world.engine.submit(JobRequest(owner, "cells", files))
        assert caught.value.field == field


def test_a_file_named_twice_is_found_in_one_pass_over_a_long_list(world: World) -> None:
    class Names(tuple[str, ...]):
        """A long list, for which it takes minutes to count each name in it."""

        def count(self, value: object) -> int:
            raise AssertionError("counted one by one")

    (file_id,) = world.upload(1)
    with pytest.raises(EngineError, match="is named twice"):
        world.engine.submit(JobRequest(OWNER, "cells", Names((file_id, file_id))))


def test_a_job_that_is_too_large_is_refused_before_its_tasks_are_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(job_tasks_limit=9)
    world.submit("cells", files=4)

    def plan(*given: object) -> None:
        raise AssertionError("planned")

    monkeypatch.setattr(submission, "plan_tasks", plan)
    with pytest.raises(EngineError, match="would have 11 tasks; the limit is 9") as caught:
        world.submit("cells", files=5)
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_a_job_follows_those_of_a_process_whose_clock_is_ahead(world: World) -> None:
    request = JobRequest(OWNER, "cells", world.upload(1))
    ahead = world.engine.submit(request)
    world.now -= 500.0
    behind = replace(world.outside, ids=IdSource(world.clock, Random(1).getrandbits))
    assert Engine(behind).submit(request).id > ahead.id


def test_many_jobs_are_accepted_all_or_none(world: World) -> None:
    good = JobRequest(OWNER, "cells", world.upload(1))
    bad = JobRequest(OWNER, "cells", ())
    with pytest.raises(EngineError) as caught:
        world.engine.submit_many([good, good, bad])
    assert caught.value.field == "jobs.2.files"
    assert count_jobs(world) == 0
    assert len(set(world.engine.submit_many([good, good]).job_ids)) == 2


def test_an_idempotency_key_gives_the_same_jobs_for_the_same_body(world: World) -> None:
    request = JobRequest(OWNER, "cells", world.upload(1))
    first = world.engine.submit_many([request], idempotency_key="k", body_digest="d")
    again = world.engine.submit_many([request], idempotency_key="k", body_digest="d")
    assert (again.job_ids, again.replayed, first.replayed) == (first.job_ids, True, False)
    with pytest.raises(EngineError) as caught:
        world.engine.submit_many([request], idempotency_key="k", body_digest="other")
    assert caught.value.code is ErrorCode.CONFLICT
    assert count_jobs(world) == 1


def test_names_and_labels_have_bounds_whoever_submits(world: World) -> None:
    for field, given in (
        ("name", {"name": "x" * 301}),
        ("labels", {"labels": {str(n): "" for n in range(51)}}),
        ("labels.a=b", {"labels": {"a=b": "c"}}),
        ("labels.", {"labels": {"": "c"}}),
        ("labels.a", {"labels": {"a": "x" * 301}}),
    ):
        with pytest.raises(EngineError) as caught:
            world.submit("cells", **given)
        assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, field)
    assert count_jobs(world) == 0


def test_an_owner_may_queue_only_so_many_jobs(world: World) -> None:
    world.limit(queued_jobs=1)
    world.submit("cells")
    with pytest.raises(EngineError) as caught:
        world.submit("cells")
    assert caught.value.code is ErrorCode.LIMIT_REACHED
    world.finish()
    assert world.submit("cells").state is JobState.PENDING


def test_a_job_on_a_parent_gets_the_results_of_the_parent(world: World) -> None:
    parent = world.submit("cells", files=2)
    request = JobRequest(OWNER, "masks", (), parent_id=parent.id)
    with pytest.raises(EngineError) as caught:
        world.engine.submit(request)
    assert (caught.value.code, caught.value.field) == (ErrorCode.CONFLICT, "parent")
    world.finish()
    world.engine.submit(request)
    (delivery,) = world.take()
    assert [before.step for before in delivery.tasks[0].predecessors] == ["test.segment"] * 2


def test_a_parent_without_the_wanted_step_is_refused(world: World) -> None:
    parent = world.submit("noop")
    world.finish()
    with pytest.raises(EngineError, match="needs the results of 'segment'"):
        world.engine.submit(JobRequest(OWNER, "masks", (), parent_id=parent.id))


def test_a_retry_takes_over_what_succeeded_and_makes_tables_over_all_files_anew(world: World) -> None:
    job = world.submit("cells", files=3)
    bad = world.tasks(job)[0].id
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"} if task.task_id == bad else None)
    with pytest.raises(EngineError):
        world.engine.retry("b" * 24, job.id)
    again = world.engine.retry(OWNER, job.id)
    assert (again.retry_of, again.counts.succeeded, again.counts.ready, again.counts.waiting) == (job.id, 4, 1, 2)
    assert world.finish() == 3
    done = world.job(again)
    assert (done.state, done.counts.succeeded, done.progress) == (JobState.SUCCEEDED, 7, 7000)
    assert len(world.results(again)) == 7
    with pytest.raises(EngineError, match="nothing to do again"):
        world.engine.retry(OWNER, again.id)


def test_an_external_task_is_added_and_moved_with_the_same_guards(world: World) -> None:
    job = world.engine.submit(JobRequest(OWNER, "external"))
    task = world.engine.add_task(OWNER, job.id, NewTask("sandbox"))
    assert (task.state, task.step) == (TaskState.ENQUEUED, "sandbox")
    assert world.engine.add_task(OWNER, job.id, NewTask("sandbox", reuse_open=True)).id == task.id
    assert world.engine.move_task(OWNER, task.id, TaskReport(TaskState.RUNNING)).state is TaskState.RUNNING
    assert world.job(job).state is JobState.RUNNING
    success = TaskReport(TaskState.SUCCEEDED, result={"analysisID": "x"})
    world.engine.move_task(OWNER, task.id, success)
    assert world.engine.move_task(OWNER, task.id, success).state is TaskState.SUCCEEDED
    with pytest.raises(EngineError) as caught:
        world.engine.move_task(OWNER, task.id, TaskReport(TaskState.FAILED))
    assert caught.value.code is ErrorCode.CONFLICT
    assert [result.data for result in world.results(job)] == [{"analysisID": "x"}]
    own = next(other for other in world.tasks(job) if other.id != task.id)
    world.engine.move_task(OWNER, own.id, TaskReport(TaskState.SUCCEEDED))
    assert world.job(job).state is JobState.SUCCEEDED
    with pytest.raises(EngineError, match="cannot be added any more"):
        world.engine.add_task(OWNER, job.id, NewTask("late"))


def test_a_task_of_a_worker_cannot_be_moved_from_outside(world: World) -> None:
    job = world.submit("cells")
    with pytest.raises(EngineError, match="run by a worker"):
        world.engine.move_task(OWNER, world.tasks(job)[0].id, TaskReport(TaskState.SUCCEEDED))
    with pytest.raises(EngineError, match="There is no task"):
        world.engine.move_task("b" * 24, world.tasks(job)[0].id, TaskReport(TaskState.SUCCEEDED))


def test_what_is_said_from_outside_has_the_bounds_of_what_workers_say() -> None:
    world = World(result_limit_bytes=100)
    job = world.engine.submit(JobRequest(OWNER, "external"))
    task = world.engine.add_task(OWNER, job.id, NewTask("sandbox"))
    large = TaskReport(TaskState.SUCCEEDED, result={"data": "x" * 100})
    for report, code, field in (
        (large, ErrorCode.TOO_LARGE, "result"),
        (TaskReport(TaskState.RUNNING, "x" * 2001), ErrorCode.INVALID, "message"),
    ):
        with pytest.raises(EngineError) as caught:
            world.engine.move_task(OWNER, task.id, report)
        assert (caught.value.code, caught.value.field) == (code, field)
    with pytest.raises(EngineError, match="up to 2000 characters"):
        world.engine.add_task(OWNER, job.id, NewTask("other", message="x" * 2001))
    assert [found.state for found in world.tasks(job)] == [TaskState.READY, TaskState.ENQUEUED]
    fitting = TaskReport(TaskState.SUCCEEDED, "x" * 2000, result={"data": "x" * 80})
    assert world.engine.move_task(OWNER, task.id, fitting).state is TaskState.SUCCEEDED


def test_tasks_from_outside_count_towards_the_limit_on_those_of_a_job() -> None:
    world = World(job_tasks_limit=3)
    job = world.engine.submit(JobRequest(OWNER, "external"))
    first, _ = (world.engine.add_task(OWNER, job.id, NewTask(name, reuse_open=True)) for name in ("first", "second"))
    with pytest.raises(EngineError) as caught:
        world.engine.add_task(OWNER, job.id, NewTask("third"))
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert world.engine.add_task(OWNER, job.id, NewTask("first", reuse_open=True)).id == first.id
