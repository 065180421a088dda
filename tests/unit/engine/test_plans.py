"""Plans are shared by all threads of an engine."""

from __future__ import annotations

from collections.abc import Iterator

from jobengine.domain.records import Node, Pipeline
from jobengine.verbs.plans import Plans
from tests.unit.engine.world import World


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

    class Ledger:
        catalog = Catalog()

    plans.load(Ledger(), [pipeline.id])  # type: ignore[arg-type]
    assert seen == [{"noop"}]
