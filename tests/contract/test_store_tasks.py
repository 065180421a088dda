"""The task rows keep their contract on every ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jobengine.domain import moves
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.interfaces.task_rows import Settlement, TaskChange
from jobengine.domain.records import Executor, Task
from jobengine.domain.states import FailureKind, TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import JOB, NOW, OTHER_OWNER, OWNER, make_task, new_id

pytestmark = on_every_ledger


def full_task() -> Task:
    """A task with a value in every field."""
    return make_task(
        file_id=new_id(),
        state=TaskState.RUNNING,
        executor=Executor.EXTERNAL,
        queue="gpu",
        attempt=3,
        predecessors=4,
        waiting_on=1,
        unmet=2,
        failures=1,
        losses=1,
        progress=512,
        message="Zähle Kerne … 🔬",
        not_before=NOW + 0.1,
        delivery_id=new_id(),
        worker="host:1",
        lease_expires_at=NOW + 15.3,
        enqueued_at=NOW + 0.7,
        started_at=NOW + 0.9,
        finished_at=NOW + 9.9,
        failure_kind=FailureKind.MEMORY,
    )


def insert(store: SqlStore, *tasks: Task) -> None:
    with store.begin() as ledger:
        ledger.tasks.insert(tasks)


def fetch(store: SqlStore, *tasks: Task) -> list[Task]:
    with store.read() as ledger:
        found = ledger.tasks.fetch([task.id for task in tasks])
    return [found[task.id] for task in tasks]


def dispatched(task: Task) -> Task:
    return moves.dispatch(task, "f" * 24, NOW)


def test_a_task_comes_back_as_it_was_inserted(store: SqlStore) -> None:
    tasks = [full_task(), make_task()]
    insert(store, *tasks)
    assert fetch(store, *tasks) == tasks


def test_nothing_is_inserted_and_nothing_found_for_no_tasks(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.tasks.insert([])
        assert ledger.tasks.write([]) == set()
        assert ledger.tasks.settle([]) == []
        assert ledger.tasks.fetch([]) == {}
        assert ledger.tasks.of_deliveries([]) == []
        assert ledger.tasks.of_jobs([]) == []


def test_text_that_no_database_stores_is_replaced(store: SqlStore) -> None:
    task = make_task(message="a\x00b\ud800c")
    insert(store, task)
    assert fetch(store, task)[0].message == "a�b�c"


def test_unknown_ids_are_left_out(store: SqlStore) -> None:
    task = make_task()
    insert(store, task)
    with store.read() as ledger:
        assert ledger.tasks.fetch([task.id, new_id()], lock=False) == {task.id: task}


def test_a_write_whose_guard_holds_moves_the_task(store: SqlStore) -> None:
    task = make_task()
    insert(store, task)
    with store.begin() as ledger:
        assert ledger.tasks.write([TaskChange(task, dispatched(task))]) == {task.id}
    assert fetch(store, task) == [dispatched(task)]


def test_every_field_that_a_move_may_change_is_written(store: SqlStore) -> None:
    before = make_task(state=TaskState.ENQUEUED, attempt=1)
    after = full_task()._replace(
        id=before.id,
        file_id=None,
        executor=before.executor,
        queue=before.queue,
        predecessors=0,
        waiting_on=0,
        unmet=0,
    )
    insert(store, before)
    with store.begin() as ledger:
        assert ledger.tasks.write([TaskChange(before, after)]) == {before.id}
    assert fetch(store, before) == [after]


def test_a_write_leaves_alone_what_no_move_changes(store: SqlStore) -> None:
    task = make_task(state=TaskState.WAITING, predecessors=2, waiting_on=2)
    insert(store, task)
    forged = task._replace(
        state=TaskState.READY,
        job_id=new_id(),
        owner_id=OTHER_OWNER,
        node="x",
        step="x",
        file_id=new_id(),
        priority=9,
        created_at=1.0,
        executor=Executor.EXTERNAL,
        queue="x",
        predecessors=9,
        waiting_on=9,
        unmet=9,
    )
    with store.begin() as ledger:
        ledger.tasks.write([TaskChange(task, forged)])
    assert fetch(store, task) == [task._replace(state=TaskState.READY)]


@pytest.mark.parametrize("field", [{"state": TaskState.ENQUEUED}, {"attempt": 1}, {"id": "9" * 24}])
def test_a_write_whose_guard_fails_changes_nothing(store: SqlStore, field: dict[str, object]) -> None:
    task = make_task()
    insert(store, task)
    believed = task._replace(**field)  # type: ignore[arg-type]
    with store.begin() as ledger:
        assert ledger.tasks.write([TaskChange(believed, believed._replace(message="no"))]) == set()
    assert fetch(store, task) == [task]


def test_of_many_writes_those_whose_guard_holds_are_made(store: SqlStore) -> None:
    tasks = [make_task() for _ in range(10)]
    insert(store, *tasks)
    with store.begin() as ledger:
        ledger.tasks.write([TaskChange(task, dispatched(task)) for task in tasks[:4]])
        moved = ledger.tasks.write([TaskChange(task, dispatched(task)) for task in tasks])
    assert moved == {task.id for task in tasks[4:]}


@pytest.mark.thorough
def test_more_tasks_than_one_statement_takes_are_inserted_fetched_and_written(store: SqlStore) -> None:
    tasks = [make_task() for _ in range(12_001)]
    insert(store, *tasks)
    with store.begin() as ledger:
        assert len(ledger.tasks.write([TaskChange(task, dispatched(task)) for task in tasks])) == len(tasks)
    assert all(task.attempt == 1 for task in fetch(store, *tasks))


def test_a_task_in_a_state_that_the_machine_lacks_is_refused_by_the_database(store: SqlStore) -> None:
    insert(store, make_task())
    with pytest.raises(EngineError) as refusal, store.begin() as ledger:
        ledger.tasks._link.run(text("UPDATE tasks SET state = 'paused'"))
    assert refusal.value.code is ErrorCode.CONFLICT


def test_tasks_are_found_by_their_deliveries_while_they_are_on_their_way(store: SqlStore) -> None:
    enqueued, running, final, elsewhere = (
        make_task(state=state, delivery_id=delivery)
        for state, delivery in (
            (TaskState.ENQUEUED, "1" * 24),
            (TaskState.RUNNING, "2" * 24),
            (TaskState.SUCCEEDED, "1" * 24),
            (TaskState.RUNNING, "3" * 24),
        )
    )
    insert(store, enqueued, running, final, elsewhere)
    with store.begin() as ledger:
        assert ledger.tasks.of_deliveries(["1" * 24, "2" * 24], lock=True) == [enqueued, running]


def test_tasks_are_found_by_their_jobs_and_states_oldest_first(store: SqlStore) -> None:
    first, second = make_task(state=TaskState.RUNNING), make_task()
    other = make_task(job_id="7" * 24)
    insert(store, second, first, other)
    with store.begin() as ledger:
        assert ledger.tasks.of_jobs([JOB]) == [first, second]
        assert ledger.tasks.of_jobs([JOB, other.job_id], [TaskState.READY], lock=True) == [second, other]
        assert ledger.tasks.of_jobs([JOB], []) == []


def test_a_settled_predecessor_counts_down_the_task_on_its_file_only(store: SqlStore) -> None:
    mine, other = (make_task(state=TaskState.WAITING, file_id=new_id(), predecessors=1, waiting_on=1) for _ in range(2))
    insert(store, mine, other)
    with store.begin() as ledger:
        freed = ledger.tasks.settle([Settlement(JOB, "measure", mine.file_id, 1, 1)])
    assert freed == [mine._replace(waiting_on=0, unmet=1)]
    assert fetch(store, other) == [other]


def test_a_fan_in_is_freed_when_the_last_of_its_predecessors_is_final(store: SqlStore) -> None:
    task = make_task(state=TaskState.WAITING, predecessors=3, waiting_on=3)
    insert(store, task)
    with store.begin() as ledger:
        assert ledger.tasks.settle([Settlement(JOB, "measure", None, 2, 1)]) == []
    with store.begin() as ledger:
        assert ledger.tasks.settle([Settlement(JOB, "measure", None, 1, 0)]) == [task._replace(waiting_on=0, unmet=1)]


def test_settlements_of_one_place_add_up_in_one_call(store: SqlStore) -> None:
    task = make_task(state=TaskState.WAITING, file_id=new_id(), predecessors=4, waiting_on=4)
    insert(store, task)
    on_file, on_all = Settlement(JOB, "measure", task.file_id, 1, 1), Settlement(JOB, "measure", None, 1, 0)
    with store.begin() as ledger:
        freed = ledger.tasks.settle([on_file, on_all, on_file, on_all])
    assert freed == [task._replace(waiting_on=0, unmet=2)]


def test_settling_passes_over_tasks_that_do_not_wait(store: SqlStore) -> None:
    task = make_task(state=TaskState.CANCELED, predecessors=1, waiting_on=1)
    other_node = make_task(state=TaskState.WAITING, node="other", predecessors=1, waiting_on=1)
    insert(store, task, other_node)
    with store.begin() as ledger:
        assert ledger.tasks.settle([Settlement(JOB, "measure", None, 1, 0)]) == []
    assert fetch(store, task, other_node) == [task, other_node]


def test_tasks_in_flight_are_counted_by_owner_and_enqueued_ones_by_queue_and_step(store: SqlStore) -> None:
    insert(
        store,
        make_task(state=TaskState.ENQUEUED),
        make_task(state=TaskState.RUNNING),
        make_task(state=TaskState.ENQUEUED, owner_id=OTHER_OWNER, queue="gpu"),
        make_task(state=TaskState.RUNNING, executor=Executor.EXTERNAL),
        make_task(),
        make_task(state=TaskState.FAILED),
    )
    with store.read() as ledger:
        by_owner, enqueued = ledger.tasks.count_in_flight()
    assert by_owner == {OWNER: 2, OTHER_OWNER: 1}
    assert enqueued == {("default", "test.measure"): 1, ("gpu", "test.measure"): 1}


def test_unclaimed_tasks_are_those_without_a_lease_that_were_sent_long_enough_ago(store: SqlStore) -> None:
    old, older = (make_task(state=TaskState.ENQUEUED, enqueued_at=NOW - age) for age in (10, 20))
    insert(
        store,
        old,
        older,
        make_task(state=TaskState.ENQUEUED, enqueued_at=NOW),
        make_task(state=TaskState.ENQUEUED, enqueued_at=NOW - 10, lease_expires_at=NOW + 5),
        make_task(state=TaskState.ENQUEUED, enqueued_at=NOW - 10, executor=Executor.EXTERNAL),
        make_task(state=TaskState.RUNNING, enqueued_at=NOW - 10),
    )
    with store.read() as ledger:
        assert ledger.tasks.unclaimed(NOW - 5, 10) == [older, old]
        assert ledger.tasks.unclaimed(NOW - 5, 1) == [older]


def test_lapsed_tasks_are_those_whose_lease_has_expired(store: SqlStore) -> None:
    running = make_task(state=TaskState.RUNNING, lease_expires_at=NOW - 1)
    claimed = make_task(state=TaskState.ENQUEUED, lease_expires_at=NOW - 2)
    insert(
        store,
        running,
        claimed,
        make_task(state=TaskState.RUNNING, lease_expires_at=NOW + 1),
        make_task(state=TaskState.RUNNING),
        make_task(state=TaskState.RUNNING, lease_expires_at=NOW - 1, executor=Executor.EXTERNAL),
    )
    with store.read() as ledger:
        assert {task.id for task in ledger.tasks.lapsed(NOW, 10)} == {running.id, claimed.id}
        assert len(ledger.tasks.lapsed(NOW, 1)) == 1


def test_a_list_of_tasks_meets_all_its_criteria(store: SqlStore) -> None:
    file_id = new_id()
    wanted = make_task(state=TaskState.FAILED, file_id=file_id, node="n", step="s")
    others = [
        make_task(state=TaskState.FAILED, file_id=file_id, node="n", step="s", owner_id=OTHER_OWNER),
        make_task(state=TaskState.FAILED, file_id=file_id, node="n", step="s", job_id="7" * 24),
        make_task(state=TaskState.READY, file_id=file_id, node="n", step="s"),
        make_task(state=TaskState.FAILED, file_id=new_id(), node="n", step="s"),
        make_task(state=TaskState.FAILED, file_id=file_id, node="m", step="s"),
        make_task(state=TaskState.FAILED, file_id=file_id, node="n", step="t"),
    ]
    insert(store, wanted, *others)
    where = TaskFilter(OWNER, JOB, (TaskState.FAILED,), "s", "n", file_id)
    with store.read() as ledger:
        assert ledger.tasks.page(where, Page()) == [wanted]
        assert ledger.tasks.count(where) == 1
        assert ledger.tasks.count(TaskFilter()) == 7
        assert ledger.tasks.page(TaskFilter(states=()), Page()) == []


@pytest.mark.parametrize("job_id", [JOB, None])
@pytest.mark.parametrize("states", [None, (TaskState.READY,), (TaskState.READY, TaskState.FAILED, TaskState.READY)])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_tasks_join_into_the_whole_list(
    store: SqlStore, job_id: str | None, states: tuple[TaskState, ...] | None, descending: bool
) -> None:
    tasks = [make_task(state=[TaskState.READY, TaskState.FAILED, TaskState.RUNNING][n % 3]) for n in range(20)]
    insert(store, *tasks)
    expected = [task for task in tasks if states is None or task.state in states]
    expected = expected[::-1] if descending else expected
    where = TaskFilter(job_id=job_id, states=states)
    with store.read() as ledger:
        pages: list[Task] = []
        while page := ledger.tasks.page(where, Page(3, pages[-1].id if pages else None, descending=descending)):
            pages += page
        assert pages == expected
        assert ledger.tasks.page(where, Page(4, offset=3, descending=descending)) == expected[3:7]
        assert ledger.tasks.page(where, Page(None, offset=2, descending=descending)) == expected[2:]
        assert ledger.tasks.page(where, Page(None, descending=descending)) == expected
        assert ledger.tasks.page(where, Page(4, offset=2**80, descending=descending)) == []


def test_reports_concern_the_tasks_they_name_and_those_in_flight_in_their_deliveries(store: SqlStore) -> None:
    named, flying = make_task(), make_task(state=TaskState.RUNNING, delivery_id="e" * 24)
    ended = make_task(state=TaskState.SUCCEEDED, delivery_id="e" * 24)
    other = make_task(state=TaskState.ENQUEUED, delivery_id="f" * 24)
    with store.begin() as ledger:
        ledger.tasks.insert([named, flying, ended, other])
        assert ledger.tasks.of_reports([named.id, flying.id, "9" * 24], ["e" * 24]) == [named, flying]
        assert ledger.tasks.of_reports([ended.id], []) == [ended]
        assert ledger.tasks.of_reports([], []) == []
