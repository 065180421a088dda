"""The catalog rows keep their contract on every ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import Page
from jobengine.domain.records import Node, Pipeline, PipelineState, RetryPolicy, Scope, WorkerRecord
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import NOW, OTHER_OWNER, OWNER, make_pipeline, make_step, new_id

pytestmark = on_every_ledger


def put(store: SqlStore, *pipelines: Pipeline) -> None:
    with store.begin() as ledger:
        ledger.catalog.put_pipelines(pipelines)


def test_a_step_comes_back_as_it_was_announced(store: SqlStore) -> None:
    plain = make_step()
    full = make_step(
        name="test.tables",
        scope=Scope.JOB,
        title="Tables",
        description="Makes tables.",
        accepts=(),
        requires_all=True,
        retry=RetryPolicy(5, 0.5, 3.0, 60.0),
        time_limit_seconds=12.5,
        memory_limit_bytes=2**40,
        tasks_per_delivery=50,
        resources={"gpu": 1},
        queue="gpu",
    )
    with store.begin() as ledger:
        ledger.catalog.put_steps([plain, full, plain], NOW)
        assert ledger.catalog.steps() == {"test.measure": plain, "test.tables": full}


def test_a_version_that_is_announced_for_the_first_time_replaces_the_older_one(store: SqlStore) -> None:
    old, new = make_step(version="1"), make_step(version="2")
    with store.begin() as ledger:
        ledger.catalog.put_steps([old], NOW)
        ledger.catalog.put_steps([new], NOW + 10)
        # Workers that still have the old version go on announcing it in a rolling upgrade.
        ledger.catalog.put_steps([old], NOW + 20)
        assert ledger.catalog.steps() == {"test.measure": new}


def test_the_newer_of_two_versions_that_are_announced_side_by_side_counts_however_long(store: SqlStore) -> None:
    old, new = make_step(version="1"), make_step(version="2")
    with store.begin() as ledger:
        ledger.catalog.put_steps([old], NOW)
        for seconds in range(10, 300, 10):
            ledger.catalog.put_steps([new], NOW + seconds)
            ledger.catalog.put_steps([old], NOW + seconds + 1)
            assert ledger.catalog.steps() == {"test.measure": new}


def test_an_older_version_counts_again_when_the_newer_one_has_fallen_silent(store: SqlStore) -> None:
    old, new = make_step(version="1"), make_step(version="2")
    with store.begin() as ledger:
        ledger.catalog.put_steps([old], NOW)
        ledger.catalog.put_steps([new], NOW + 10)
        ledger.catalog.put_steps([old], NOW + 90)
        assert ledger.catalog.steps() == {"test.measure": old}


def test_what_a_version_says_of_itself_last_is_kept(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.catalog.put_steps([make_step()], NOW)
        ledger.catalog.put_steps([make_step(title="Measure")], NOW + 1)
        assert ledger.catalog.steps() == {"test.measure": make_step(title="Measure")}


def test_a_pipeline_is_inserted_and_replaced_by_its_id(store: SqlStore) -> None:
    nodes = (
        Node("segment", "test.segment"),
        Node("tables", "test.tables", ("segment",), ("masks",), {"columns": ["area"]}),
    )
    draft = make_pipeline(owner_id=OWNER, state=PipelineState.DRAFT, nodes=nodes, published_at=None)
    published = replace(draft, state=PipelineState.PUBLISHED, published_at=NOW + 5, title="New")
    put(store, draft)
    with store.begin() as ledger:
        assert ledger.catalog.pipelines([draft.id, new_id()]) == {draft.id: draft}
        ledger.catalog.put_pipelines([published])
        assert ledger.catalog.pipelines([draft.id]) == {draft.id: published}
        assert ledger.catalog.pipelines([]) == {}


@pytest.mark.parametrize("owner_id", [None, OWNER])
def test_a_name_and_version_is_given_once_per_owner(store: SqlStore, owner_id: str | None) -> None:
    put(store, make_pipeline(owner_id=owner_id), make_pipeline(owner_id=OTHER_OWNER))
    with pytest.raises(EngineError) as refusal:
        put(store, make_pipeline(owner_id=owner_id))
    assert refusal.value.code is ErrorCode.CONFLICT


def test_a_pipeline_is_found_by_name_in_its_newest_published_version(store: SqlStore) -> None:
    first, second = make_pipeline(), make_pipeline(version=2)
    draft = make_pipeline(version=3, state=PipelineState.DRAFT)
    retired = make_pipeline(version=4, state=PipelineState.RETIRED)
    put(store, second, first, draft, retired)
    with store.read() as ledger:
        assert ledger.catalog.find_pipeline(OWNER, "nuclei") == second
        assert ledger.catalog.find_pipeline(None, "nuclei") == second
        assert ledger.catalog.find_pipeline(OWNER, "nuclei", 1) == first
        assert ledger.catalog.find_pipeline(OWNER, "nuclei", 3) == draft
        assert ledger.catalog.find_pipeline(OWNER, "nuclei", 9) is None
        assert ledger.catalog.find_pipeline(OWNER, "cells") is None


def test_an_owners_pipeline_hides_a_built_in_one_and_is_hidden_from_others(store: SqlStore) -> None:
    builtin, mine = make_pipeline(version=7), make_pipeline(owner_id=OWNER)
    put(store, builtin, mine)
    with store.read() as ledger:
        assert ledger.catalog.find_pipeline(OWNER, "nuclei") == mine
        assert ledger.catalog.find_pipeline(OTHER_OWNER, "nuclei") == builtin
        assert ledger.catalog.find_pipeline(OWNER, "nuclei", 7) == builtin
        assert ledger.catalog.find_pipeline(OTHER_OWNER, "nuclei", 1) is None


def test_pages_of_pipelines_show_the_owners_and_the_built_in_ones(store: SqlStore) -> None:
    visible = [make_pipeline(name=f"p{n}", owner_id=OWNER if n % 2 else None) for n in range(7)]
    foreign = make_pipeline(owner_id=OTHER_OWNER)
    put(store, *visible, foreign)
    with store.read() as ledger:
        first = ledger.catalog.page_pipelines(OWNER, Page(4))
        assert first + ledger.catalog.page_pipelines(OWNER, Page(4, first[-1].id)) == visible[::-1]
        assert ledger.catalog.page_pipelines(None, Page(None, descending=False)) == [*visible, foreign]


def test_workers_are_put_touched_and_listed(store: SqlStore) -> None:
    worker = WorkerRecord("w1", "host", 4, ("default", "gpu"), ("test.measure",), {"gpu": "none"}, NOW, NOW)
    other = replace(worker, id="w2")
    with store.begin() as ledger:
        ledger.catalog.put_workers([other, worker])
        ledger.catalog.touch_workers({"w1": NOW + 5, "w2": NOW - 5, "unknown": NOW})
        ledger.catalog.touch_workers({})
        assert ledger.catalog.workers() == [replace(worker, last_seen_at=NOW + 5), other]
        again = replace(worker, slots=8, announced_at=NOW + 9, last_seen_at=NOW + 9)
        ledger.catalog.put_workers([again])
        assert ledger.catalog.workers() == [again, other]


def test_workers_that_fell_silent_are_forgotten(store: SqlStore) -> None:
    silent = WorkerRecord("w1", "host", 4, ("default",), (), {}, NOW, NOW)
    heard = replace(silent, id="w2", last_seen_at=NOW + 5)
    with store.begin() as ledger:
        ledger.catalog.put_workers([silent, heard])
        assert ledger.catalog.forget_workers(NOW) == 0
        assert ledger.catalog.forget_workers(NOW + 5) == 1
        assert ledger.catalog.workers() == [heard]
