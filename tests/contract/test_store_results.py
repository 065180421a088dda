"""The rows that tasks leave behind keep their contract on every ledger."""

from __future__ import annotations

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import Page, ResultFilter
from jobengine.domain.records import LogLine, Result
from jobengine.domain.states import FailureKind, TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import (
    JOB,
    NOW,
    OTHER_OWNER,
    OWNER,
    make_artifact,
    make_attempt,
    make_result,
    make_task,
    new_id,
)

pytestmark = on_every_ledger


def insert(store: SqlStore, *results: Result) -> None:
    with store.begin() as ledger:
        ledger.results.insert(results, [])


def test_a_result_comes_back_as_it_was_inserted(store: SqlStore) -> None:
    data = {"name": "NUL \x00, half a pair \ud800, Zähne 🦷", "rows": [[1, 2.5e300, None, True], {}], "big": 2**70}
    result = make_result(file_id=new_id(), data=data)
    insert(store, result)
    with store.read() as ledger:
        assert ledger.results.fetch([result.id, new_id()]) == {result.id: result}
        assert ledger.results.fetch([]) == {}


def test_a_second_result_of_a_task_is_a_conflict_and_takes_its_transaction_along(store: SqlStore) -> None:
    first = make_result()
    insert(store, first)
    bystander = make_result()
    with pytest.raises(EngineError) as refusal:
        insert(store, bystander, make_result(task_id=first.task_id))
    assert refusal.value.code is ErrorCode.CONFLICT
    with store.read() as ledger:
        assert ledger.results.page(ResultFilter(), Page()) == [first]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_data_that_json_cannot_say_is_refused(store: SqlStore, value: object) -> None:
    with pytest.raises(EngineError) as refusal:
        insert(store, make_result(data={"value": value}))
    assert refusal.value.code is ErrorCode.INVALID


def test_the_ids_of_the_results_of_a_job_come_oldest_first(store: SqlStore) -> None:
    first, second, other = make_result(), make_result(), make_result(job_id=new_id())
    insert(store, second, first, other)
    with store.read() as ledger:
        assert ledger.results.ids_of_job(JOB) == [first.id, second.id]
        assert ledger.results.ids_of_job(new_id()) == []


def test_a_list_of_results_meets_all_its_criteria(store: SqlStore) -> None:
    file_id = new_id()
    wanted = make_result(file_id=file_id, kind="k", step="s")
    others = [
        wanted._replace(id=new_id(), task_id=new_id(), **change)
        for change in (
            {"owner_id": OTHER_OWNER},
            {"job_id": new_id()},
            {"file_id": None},
            {"kind": "x"},
            {"step": "x"},
            {"kind": "k"},
        )
    ]
    insert(store, wanted, *others)
    where = ResultFilter(OWNER, JOB, (wanted.task_id, new_id()), ("s", "t"), file_id, "k")
    with store.read() as ledger:
        assert ledger.results.page(where, Page()) == [wanted]
        assert ledger.results.count(where) == 1
        assert ledger.results.count(ResultFilter()) == 7
        assert ledger.results.page(ResultFilter(task_ids=()), Page()) == []
        assert ledger.results.page(ResultFilter(steps=()), Page()) == []


@pytest.mark.parametrize("steps", [None, ("s",), ("s", "t")])
def test_pages_of_results_join_into_the_whole_list(store: SqlStore, steps: tuple[str, ...] | None) -> None:
    results = [make_result(step="stu"[number % 3]) for number in range(20)]
    insert(store, *results)
    expected = [result for result in results[::-1] if steps is None or result.step in steps]
    with store.read() as ledger:
        pages: list[Result] = []
        while page := ledger.results.page(ResultFilter(OWNER, steps=steps), Page(3, _last(pages))):
            pages += page
    assert pages == expected


def _last(results: list[Result]) -> str | None:
    return results[-1].id if results else None


def test_results_are_found_by_the_places_of_their_tasks(store: SqlStore) -> None:
    file_ids = [new_id(), new_id()]
    on_files = [make_task(node="segment", file_id=file_id, state=TaskState.SUCCEEDED) for file_id in file_ids]
    on_job = make_task(node="tables", state=TaskState.SUCCEEDED)
    elsewhere = make_task(node="segment", job_id=new_id(), file_id=file_ids[0])
    results = [make_result(task_id=task.id, file_id=task.file_id) for task in (*on_files, on_job, elsewhere)]
    with store.begin() as ledger:
        ledger.tasks.insert([*on_files, on_job, elsewhere])
        ledger.results.insert(results[::-1], [])
        one, every, alone = (JOB, "segment", file_ids[1]), (JOB, "segment", None), (JOB, "tables", None)
        found = ledger.results.of_places([one, every, alone, (JOB, "masks", None), (JOB, "tables", file_ids[0])])
        assert found == {one: [results[1]], every: results[:2], alone: [results[2]]}
        assert ledger.results.of_places([]) == {}


def test_artifacts_are_found_by_job_result_and_id(store: SqlStore) -> None:
    elsewhere = new_id()
    artifacts = [make_artifact(), make_artifact(job_id=elsewhere), make_artifact(size_bytes=2**40)]
    with store.begin() as ledger:
        ledger.results.insert([], artifacts)
        assert ledger.results.artifacts(job_ids=[JOB]) == [artifacts[0], artifacts[2]]
        assert ledger.results.artifacts(job_ids=[elsewhere, JOB, new_id()]) == artifacts
        assert ledger.results.artifacts(job_ids=[]) == []
        assert ledger.results.artifacts(result_ids=[artifacts[1].result_id]) == [artifacts[1]]
        assert ledger.results.artifacts(ids=[artifacts[2].id, artifacts[0].id]) == [artifacts[0], artifacts[2]]
        assert ledger.results.artifacts(job_ids=[JOB], ids=[artifacts[1].id]) == []
        assert ledger.results.artifacts(ids=[]) == []


def test_attempts_come_back_in_order_as_they_were_inserted(store: SqlStore) -> None:
    task_id = new_id()
    first = make_attempt(
        task_id=task_id,
        outcome="retry",
        accepted=False,
        delivery_id=None,
        worker=None,
        enqueued_at=None,
        started_at=None,
        failure_kind=FailureKind.CRASH,
        message="it broke",
        traceback="line 1\nline 2",
        cpu_seconds=0.1,
        peak_memory_bytes=2**40,
    )
    second, other = make_attempt(task_id=task_id, number=2), make_attempt()
    with store.begin() as ledger:
        ledger.results.insert_attempts([second, other, first])
        assert ledger.results.attempts([task_id]) == [first, second]
        assert ledger.results.attempts([]) == []


@pytest.mark.parametrize("again", [{"number": 1, "accepted": False}, {"number": 2, "accepted": True}])
def test_an_attempt_is_written_once_and_one_per_task_is_accepted(store: SqlStore, again: dict[str, object]) -> None:
    attempt = make_attempt()
    with store.begin() as ledger:
        ledger.results.insert_attempts([attempt])
    with pytest.raises(EngineError) as refusal, store.begin() as ledger:
        ledger.results.insert_attempts([attempt._replace(**again)])  # type: ignore[arg-type]
    assert refusal.value.code is ErrorCode.CONFLICT
    with store.read() as ledger:
        assert ledger.results.attempts([attempt.task_id]) == [attempt]


def test_log_lines_come_back_in_the_order_in_which_they_were_written(store: SqlStore) -> None:
    task_id = new_id()
    lines = [LogLine(task_id, attempt, NOW - n, f"line {n} ✓") for n, attempt in enumerate([1, 1, 2, 2, 2])]
    with store.begin() as ledger:
        ledger.results.insert_logs(lines[:3])
        ledger.results.insert_logs([*lines[3:], LogLine(new_id(), 1, NOW, "of another task")])
        assert ledger.results.logs(task_id) == lines
        assert ledger.results.logs(task_id, attempt=2) == lines[2:]
        assert ledger.results.logs(new_id()) == []
