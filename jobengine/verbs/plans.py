"""What jobs follow: pipelines and steps, read from the ledger and kept while they cannot change."""

from __future__ import annotations

from collections.abc import Collection, Set

from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.pipeline import is_same_file_edge, successors_of
from jobengine.domain.records import Node, Pipeline, Scope, StepSpec

_STEPS_SECONDS = 2.0


class Plans:
    """Published pipelines by ID, for as long as the process lives, and steps, for a moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pipelines: dict[str, Pipeline] = {}
        self._nodes: dict[str, dict[str, Node]] = {}
        self._steps: dict[str, StepSpec] = {}
        self._steps_read_at = float("-inf")

    def load(self, ledger: Ledger, pipeline_ids: Collection[str]) -> None:
        """Make sure that these pipelines are at hand, and the steps that they name."""
        unknown = {name for name in pipeline_ids if name not in self._pipelines}
        for pipeline in ledger.catalog.pipelines(unknown).values() if unknown else ():
            self.steps(ledger, {node.step for node in pipeline.nodes})
            self._nodes[pipeline.id] = {node.key: node for node in pipeline.nodes}
            # Last, as other threads take what is here for loaded.
            self._pipelines[pipeline.id] = pipeline

    def steps(self, ledger: Ledger, needed: Set[str] = frozenset()) -> dict[str, StepSpec]:
        """The announced steps by name, at most two seconds old.

        Read anew where one that is needed is not among them: another process may just have written it.
        """
        if abs(self._clock() - self._steps_read_at) > _STEPS_SECONDS or not needed <= self._steps.keys():
            self._steps = ledger.catalog.steps()
            self._steps_read_at = self._clock()
        return self._steps

    def forget_steps(self) -> None:
        """The catalog has changed."""
        self._steps_read_at = float("-inf")

    def node_keys(self, pipeline_id: str) -> set[str]:
        """The keys of a loaded pipeline's nodes."""
        return set(self._nodes[pipeline_id])

    def node(self, pipeline_id: str, key: str) -> Node:
        """The node of that key."""
        return self._nodes[pipeline_id][key]

    def successors(self, pipeline_id: str, key: str) -> list[Node]:
        """The nodes right after the node of that key."""
        return successors_of(key, self._pipelines[pipeline_id].nodes)

    def joins_same_file(self, file_id: str | None, successor: Node, steps: dict[str, StepSpec]) -> bool:
        """Whether a task on that file (None: on the job) releases only the successor on the same file."""
        before = Scope.FILE if file_id is not None else Scope.JOB
        return is_same_file_edge(before, steps[successor.step].scope)
