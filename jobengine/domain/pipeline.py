"""Pipelines as DAGs of steps, and the tasks that a job on some files unfolds into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobengine.domain.errors import invalid
from jobengine.domain.records import Executor, Node, Scope, StepSpec


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task to be: its node, its file (None for a task on the job) and how many tasks it comes after."""

    node: Node
    file_id: str | None
    predecessors: int


def check_nodes(nodes: Sequence[Node], steps: Mapping[str, StepSpec]) -> None:
    """Refuse a pipeline that cannot run: no nodes, doubled keys, unknown steps, bad predecessors, cycles.

    Raises EngineError(INVALID) that names the node.
    """
    if not nodes:
        raise invalid("A pipeline needs at least one step.", "nodes")
    keys = [node.key for node in nodes]
    for index, node in enumerate(nodes):
        place = f"nodes.{index}"
        if keys.index(node.key) != index:
            raise invalid(f"The key {node.key!r} is used twice.", f"{place}.key")
        if node.key == EXTERNAL_NODE:
            raise invalid(f"The key {node.key!r} is kept for tasks that are added from outside.", f"{place}.key")
        if node.step not in steps:
            raise invalid(f"There is no step named {node.step!r}.", f"{place}.step")
        _check_predecessors(node, keys, place)
    sort_nodes(nodes)


def _check_predecessors(node: Node, keys: Sequence[str], place: str) -> None:
    for name in node.after:
        if name not in keys:
            raise invalid(f"{node.key!r} comes after {name!r}, which the pipeline lacks.", f"{place}.after")
    for field, names in (("after", node.after), ("from_parent", node.from_parent)):
        # Who is counted twice and ends once is waited for without end.
        if len(set(names)) != len(names):
            raise invalid(f"{node.key!r} names one of its predecessors twice.", f"{place}.{field}")


def sort_nodes(nodes: Sequence[Node]) -> list[Node]:
    """The nodes in an order in which each comes after its predecessors; raises EngineError(INVALID) for a cycle."""
    pending = {node.key: node for node in nodes}
    ordered: list[Node] = []
    while pending:
        free = [node for node in pending.values() if not any(name in pending for name in node.after)]
        if not free:
            raise invalid(f"The steps {sorted(pending)} wait for each other in a circle.", "nodes")
        ordered += free
        for node in free:
            del pending[node.key]
    return ordered


def plan_tasks(nodes: Sequence[Node], steps: Mapping[str, StepSpec], file_ids: Sequence[str]) -> list[PlannedTask]:
    """The tasks of a job, in an order in which each comes after its predecessors.

    A step per file gives one task for each file, a step per job gives one. A file-by-file edge joins the tasks of
    the same file; every other edge joins all with all (fan-in, fan-out). Raises EngineError(INVALID) when a step
    needs files and there are none.
    """
    scopes = {node.key: steps[node.step].scope for node in nodes}
    planned: list[PlannedTask] = []
    for node in sort_nodes(nodes):
        scope = scopes[node.key]
        if scope is Scope.FILE and not file_ids:
            raise invalid(f"The step {node.step!r} works on files, and the job names none.", "files")
        inputs: Iterable[str | None] = file_ids if scope is Scope.FILE else (None,)
        count = sum(_fan(scopes[name], scope, len(file_ids)) for name in node.after)
        planned += [PlannedTask(node, file_id, count) for file_id in inputs]
    return planned


def count_planned(nodes: Sequence[Node], steps: Mapping[str, StepSpec], files: int) -> int:
    """How many tasks a job on so many files unfolds into."""
    return sum(files if steps[node.step].scope is Scope.FILE else 1 for node in nodes)


def successors_of(key: str, nodes: Sequence[Node]) -> list[Node]:
    """The nodes that come right after the node of that key."""
    return [node for node in nodes if key in node.after]


def is_same_file_edge(before: Scope, after: Scope) -> bool:
    """Whether the edge joins task with task of the same file."""
    return before is Scope.FILE and after is Scope.FILE


def can_run(*, predecessors: int, unmet: int, requires_all: bool) -> bool:
    """Whether a task whose predecessors are all final has enough to work on.

    A step that requires all needs every predecessor to have succeeded; any other needs one, if it has any.
    """
    if requires_all:
        return unmet == 0
    return predecessors == 0 or unmet < predecessors


def _fan(before: Scope, after: Scope, files: int) -> int:
    if is_same_file_edge(before, after):
        return 1
    return files if before is Scope.FILE else 1


EXTERNAL_STEP = "external"
"""The step of tasks that somebody outside drives; no worker has it."""

EXTERNAL_NODE = "external"
"""The node of tasks that were added to a job from outside; no pipeline names it."""


def executor_of(step: str) -> Executor:
    """Who runs tasks of the step."""
    return Executor.EXTERNAL if step == EXTERNAL_STEP else Executor.WORKER
