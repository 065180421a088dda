"""Pipelines as DAGs, and the tasks they unfold into."""

from __future__ import annotations

import pytest

from jobengine.domain.errors import EngineError
from jobengine.domain.pipeline import can_run, check_nodes, plan_tasks, sort_nodes, successors_of
from jobengine.domain.records import Node, Scope, StepSpec

STEPS = {
    name: StepSpec(name=name, version="1", scope=scope, result_kind=name)
    for name, scope in {"segment": Scope.FILE, "measure": Scope.FILE, "tables": Scope.JOB, "split": Scope.JOB}.items()
}
NUCLEI = (
    Node("tables", "tables", after=("measure",)),
    Node("segment", "segment"),
    Node("measure", "measure", after=("segment",)),
)


@pytest.mark.parametrize(
    ("nodes", "field"),
    [
        ((), "nodes"),
        ((Node("a", "segment"), Node("a", "measure")), "nodes.1.key"),
        ((Node("external", "segment"),), "nodes.0.key"),
        ((Node("a", "fold"),), "nodes.0.step"),
        ((Node("a", "segment"), Node("b", "measure", after=("a", "a"))), "nodes.1.after"),
        ((Node("a", "segment", from_parent=("b", "b")),), "nodes.0.from_parent"),
        ((Node("a", "segment", after=("b",)),), "nodes.0.after"),
        ((Node("a", "segment", after=("a",)),), "nodes"),
        ((Node("a", "segment", after=("b",)), Node("b", "measure", after=("a",))), "nodes"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_with_its_place(nodes: tuple[Node, ...], field: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_nodes(nodes, STEPS)
    assert caught.value.field == field


def test_nodes_come_after_their_predecessors() -> None:
    check_nodes(NUCLEI, STEPS)
    assert [node.key for node in sort_nodes(NUCLEI)] == ["segment", "measure", "tables"]
    assert [node.key for node in successors_of("segment", NUCLEI)] == ["measure"]


def test_a_job_unfolds_by_file_and_joins_again() -> None:
    planned = [(task.node.key, task.file_id, task.predecessors) for task in plan_tasks(NUCLEI, STEPS, ["f1", "f2"])]
    assert planned == [
        ("segment", "f1", 0),
        ("segment", "f2", 0),
        ("measure", "f1", 1),
        ("measure", "f2", 1),
        ("tables", None, 2),
    ]


def test_a_job_step_releases_every_file_and_a_diamond_counts_both_sides() -> None:
    nodes = (
        Node("split", "split"),
        Node("one", "segment", after=("split",)),
        Node("two", "measure", after=("split",)),
        Node("end", "tables", after=("one", "two")),
    )
    counts = {(task.node.key, task.file_id): task.predecessors for task in plan_tasks(nodes, STEPS, ["f1", "f2", "f3"])}
    assert counts["one", "f2"] == counts["two", "f3"] == 1
    assert counts["end", None] == 6


def test_a_step_per_file_needs_files() -> None:
    with pytest.raises(EngineError) as caught:
        plan_tasks(NUCLEI, STEPS, [])
    assert caught.value.field == "files"


@pytest.mark.parametrize(
    ("predecessors", "unmet", "requires_all", "expected"),
    [(0, 0, False, True), (3, 2, False, True), (3, 3, False, False), (3, 1, True, False), (3, 0, True, True)],
)
def test_what_a_task_needs_to_run(predecessors: int, unmet: int, requires_all: bool, expected: bool) -> None:
    assert can_run(predecessors=predecessors, unmet=unmet, requires_all=requires_all) is expected
