"""Ready tasks are picked in fair order on every ledger."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobengine.domain import moves
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.records import Executor, Task
from jobengine.domain.states import TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import ON_POSTGRESQL, on_every_ledger
from tests.contract.rows import NOW, OTHER_OWNER, OWNER, make_job, make_task

THIRD_OWNER = "c" * 24


def insert(store: SqlStore, *tasks: Task) -> None:
    with store.begin() as ledger:
        ledger.tasks.insert(tasks)


def pick(
    store: SqlStore, limit: int, busy: dict[str, int] | None = None, caps: dict[str, int] | None = None
) -> list[Task]:
    with store.begin() as ledger:
        return ledger.tasks.pick_ready("default", NOW, limit, busy or {}, caps or {})


@on_every_ledger
def test_nothing_is_picked_where_nothing_is_ready(store: SqlStore) -> None:
    insert(
        store,
        make_task(state=TaskState.WAITING),
        make_task(state=TaskState.RUNNING),
        make_task(queue="gpu"),
        make_task(executor=Executor.EXTERNAL),
        make_task(not_before=NOW + 0.001),
    )
    assert pick(store, 10) == []


@on_every_ledger
def test_higher_priorities_go_first_and_older_tasks_before_younger_ones(store: SqlStore) -> None:
    tasks = [make_task(priority=priority) for priority in (5, 9, 5, 0, 9)]
    insert(store, *tasks)
    assert pick(store, 10) == [tasks[1], tasks[4], tasks[0], tasks[2], tasks[3]]
    assert pick(store, 3) == [tasks[1], tasks[4], tasks[0]]
    assert pick(store, 0) == []


@on_every_ledger
def test_a_retry_that_is_due_goes_by_the_age_of_its_task(store: SqlStore) -> None:
    oldest, retried, youngest = make_task(), make_task(not_before=NOW), make_task()
    insert(store, oldest, retried, youngest)
    assert pick(store, 2) == [oldest, retried]


@on_every_ledger
def test_owners_take_turns_within_a_priority(store: SqlStore) -> None:
    insert(store, *(make_task() for _ in range(50)), *(make_task(owner_id=OTHER_OWNER) for _ in range(3)))
    picked = pick(store, 10)
    assert [task.owner_id for task in picked[:6]].count(OTHER_OWNER) == 3
    assert Counter(task.owner_id for task in picked) == {OWNER: 7, OTHER_OWNER: 3}


@on_every_ledger
def test_an_owner_with_less_in_flight_catches_up_first(store: SqlStore) -> None:
    insert(store, *(make_task() for _ in range(9)), *(make_task(owner_id=OTHER_OWNER) for _ in range(9)))
    picked = pick(store, 6, busy={OWNER: 4})
    assert [task.owner_id for task in picked[:4]] == [OTHER_OWNER] * 4
    assert Counter(task.owner_id for task in picked) == {OTHER_OWNER: 5, OWNER: 1}


@on_every_ledger
def test_an_owner_gets_no_more_than_its_cap_leaves_room_for_over_all_priorities(store: SqlStore) -> None:
    insert(store, *(make_task(priority=priority) for priority in (9, 9, 5, 5)), make_task(owner_id=OTHER_OWNER))
    picked = pick(store, 10, busy={OWNER: 1}, caps={OWNER: 4})
    assert Counter(task.owner_id for task in picked) == {OWNER: 3, OTHER_OWNER: 1}
    assert pick(store, 10, busy={OWNER: 7}, caps={OWNER: 4, OTHER_OWNER: 0}) == []


@on_every_ledger
def test_tasks_of_steps_that_nobody_has_are_left(store: SqlStore) -> None:
    insert(store, *(make_task(step="test.new") for _ in range(30)), *(make_task() for _ in range(3)))
    with store.begin() as ledger:
        picked = ledger.tasks.pick_ready("default", NOW, 10, {}, {}, without_steps=["test.new", "test.other"])
    assert [task.step for task in picked] == ["test.measure"] * 3


@on_every_ledger
def test_what_one_owner_lacks_goes_to_the_others(store: SqlStore) -> None:
    for owner, count in ((OWNER, 1), (OTHER_OWNER, 4), (THIRD_OWNER, 50)):
        insert(store, *(make_task(owner_id=owner) for _ in range(count)))
    insert(store, *(make_task(owner_id="d" * 24, not_before=NOW + 60) for _ in range(5)))
    assert Counter(task.owner_id for task in pick(store, 30)) == {OWNER: 1, OTHER_OWNER: 4, THIRD_OWNER: 25}


@on_every_ledger
def test_every_owner_is_first_at_some_time_when_only_one_task_is_picked(store: SqlStore) -> None:
    insert(store, make_task(), make_task(owner_id=OTHER_OWNER))
    first = set()
    for step in range(20):
        with store.begin() as ledger:
            (task,) = ledger.tasks.pick_ready("default", NOW + step / 1000, 1, {}, {})
            first.add(task.owner_id)
    assert first == {OWNER, OTHER_OWNER}


@on_every_ledger
def test_every_ready_task_is_picked_once_when_picked_and_dispatched_in_turns(store: SqlStore) -> None:
    tasks = [make_task(owner_id=[OWNER, OTHER_OWNER, THIRD_OWNER][n % 3], priority=n % 4) for n in range(60)]
    insert(store, *tasks)
    seen: list[str] = []
    while True:
        with store.begin() as ledger:
            picked = ledger.tasks.pick_ready("default", NOW, 7, {}, {})
            ledger.tasks.write([TaskChange(task, moves.dispatch(task, "f" * 24, NOW)) for task in picked])
        if not picked:
            break
        seen += [task.id for task in picked]
    assert sorted(seen) == [task.id for task in tasks]


on_postgresql = pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)


@on_postgresql
def test_tasks_that_another_engine_is_picking_are_passed_over(store: SqlStore) -> None:
    jobs = [make_job(), make_job()]
    tasks = [make_task(job_id=job.id) for job in jobs for _ in range(5)]
    insert(store, *tasks)
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, {})
    with store.begin() as one, store.begin() as other:
        first = one.tasks.pick_ready("default", NOW, 5, {}, {})
        second = other.tasks.pick_ready("default", NOW, 5, {}, {})
        assert first == tasks[:5]
        assert second == tasks[5:]


@on_postgresql
def test_a_job_that_somebody_is_at_is_passed_over_and_waited_for_when_there_is_no_other(store: SqlStore) -> None:
    busy, free = make_job(), make_job()
    tasks = [make_task(job_id=job.id) for job in (busy, free) for _ in range(3)]
    insert(store, *tasks)
    with store.begin() as ledger:
        ledger.jobs.insert([busy, free], {})

    def pick_some() -> list[Task]:
        with store.begin() as later:
            return later.tasks.pick_ready("default", NOW, 3, {}, {})

    with ThreadPoolExecutor(1) as pool:
        with store.begin() as one:
            one.jobs.fetch([busy.id], lock=True)
            with store.begin() as other:
                assert other.tasks.pick_ready("default", NOW, 6, {}, {}) == tasks[3:]
            with store.begin() as other:
                assert other.tasks.pick_ready("default", NOW, 3, {}, {}, may_wait=False) == []
            waiting = pool.submit(pick_some)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result(10) == tasks[:3]


@on_postgresql
def test_one_engine_at_a_time_counts_the_tasks_of_an_owner(store: SqlStore) -> None:
    with store.begin() as one, store.begin() as other:
        assert one.owners.claim_counting([OWNER]) == {OWNER}
        assert other.owners.claim_counting([OWNER, OTHER_OWNER]) == {OTHER_OWNER}
    with store.begin() as later:
        assert later.owners.claim_counting([OWNER, OTHER_OWNER]) == {OWNER, OTHER_OWNER}
