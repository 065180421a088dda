"""Plans are shared by all threads of an engine, and follow what other processes write."""

from __future__ import annotations

from collections.abc import Iterator

from jobengine.domain.announcements import Announcement, PipelineSpec, encode_announcement
from jobengine.domain.records import Node, Pipeline, Scope, StepSpec
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import JobState
from jobengine.engine import Engine
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import JobRequest
from tests.unit.engine.world import OWNER, PIPELINES, STEPS, WORKER, World

NEW_STEPS = (
    StepSpec("new.a", "1", Scope.FILE, "first"),
    StepSpec("new.b", "1", Scope.JOB, "second"),
)
NEW_PIPELINE = PipelineSpec("new", 1, (Node("a", "new.a"), Node("b", "new.b", after=("a",))))


def test_a_pipeline_that_another_thread_is_loading_is_not_taken_for_loaded(world: World) -> None:
    plans = Plans(world.clock)
    job = world.submit("noop")
    seen: list[set[str]] = []

    class Nodes(tuple[Node, ...]):
        """Whoever goes through them lets another thread come between."""

        def __iter__(self) -> Iterator[Node]:
            with world.store.read() as ledger:
                plans.load(ledger, [job.pipeline_id])
            seen.append(plans.node_keys(job.pipeline_id))
            return super().__iter__()

    with world.store.read() as ledger:
        (pipeline,) = ledger.catalog.pipelines([job.pipeline_id]).values()
    object.__setattr__(pipeline, "nodes", Nodes(pipeline.nodes))
    found: dict[str, Pipeline] = {pipeline.id: pipeline}

    class Catalog:
        pipelines = staticmethod(lambda ids: found)
        steps = staticmethod(dict)

    class Ledger:
        catalog = Catalog()

    plans.load(Ledger(), [pipeline.id])  # type: ignore[arg-type]
    assert seen
    assert all(keys == {"noop"} for keys in seen)


def test_what_another_engine_was_told_a_moment_ago_is_sent_and_recorded_at_once(world: World) -> None:
    late = Engine(world.outside)
    assert late.dispatch() == 0
    # From now on it knows, for two seconds, the steps of before.
    announcement = Announcement("host", 2, ("default",), (*STEPS, *NEW_STEPS), (*PIPELINES, NEW_PIPELINE))
    body = encode_announcement(announcement)
    world.transport.report([Report(ReportKind.ANNOUNCED, WORKER, world.now, body=body)])
    world.engine.record()
    job = world.submit("new")
    world.engine = late
    assert world.finish() == 2
    assert world.job(job).state is JobState.SUCCEEDED
    assert [(result.kind, result.step) for result in world.results(job)] == [("first", "new.a"), ("second", "new.b")]
    assert [attempt.outcome for task in world.tasks(job) for attempt in world.attempts(task)] == ["succeeded"] * 2


def test_a_process_that_only_submits_learns_as_well(world: World) -> None:
    web = Engine(world.outside)
    assert web.dispatch() == 0
    body = encode_announcement(Announcement("host", 2, ("default",), (*STEPS, *NEW_STEPS), (*PIPELINES, NEW_PIPELINE)))
    world.transport.report([Report(ReportKind.ANNOUNCED, WORKER, world.now, body=body)])
    world.engine.record()
    assert web.submit(JobRequest(OWNER, "new", world.upload(1))).counts.ready == 1
