"""Transactions of every ledger: all or nothing, one winner, one view, and a clear word when the database is away."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from jobengine.domain import moves
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.job_rows import JobDelta
from jobengine.domain.interfaces.task_rows import TaskChange
from jobengine.domain.records import Batch, Counts, Owner
from jobengine.domain.states import JobState, TaskState
from jobengine.store import SqlStore, postgresql
from jobengine.store.databases import open_database
from jobengine.store.ledger import SqlLedger
from tests.contract.ledgers import ON_POSTGRESQL, on_every_ledger, on_shared_ledgers
from tests.contract.rows import NOW, OWNER, make_job, make_pipeline, make_result, make_task, new_id
from tests.postgresql_server import running_postgresql

THREADS = 4


def race(run: Callable[[int], object]) -> list[object]:
    """What each of some threads returns that begin at the same moment."""
    start = threading.Barrier(THREADS)

    def run_from_start(number: int) -> object:
        start.wait(10)
        return run(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run_from_start, range(THREADS)))


@on_every_ledger
def test_a_block_that_raises_leaves_nothing(store: SqlStore) -> None:
    def break_off() -> None:
        with store.begin() as ledger:
            ledger.tasks.insert([task])
            ledger.jobs.insert([make_job()], {})
            raise KeyError("stop")

    task = make_task()
    with pytest.raises(KeyError, match="stop"):
        break_off()
    with store.read() as ledger:
        assert ledger.tasks.fetch([task.id]) == {}
        assert ledger.jobs.count(JobFilter()) == 0


@on_every_ledger
def test_of_transactions_that_move_the_same_tasks_each_task_moves_once(store: SqlStore) -> None:
    tasks = [make_task() for _ in range(40)]
    with store.begin() as ledger:
        ledger.tasks.insert(tasks)

    def dispatch(number: int) -> set[str]:
        with store.begin() as ledger:
            ordered = tasks if number % 2 else tasks[::-1]
            ledger.tasks.fetch([task.id for task in ordered], lock=True)
            return ledger.tasks.write([TaskChange(t, moves.dispatch(t, f"{number:024}", NOW)) for t in ordered])

    moved = race(dispatch)
    assert sorted(identifier for ids in moved for identifier in ids) == [task.id for task in tasks]  # type: ignore[attr-defined]


@on_shared_ledgers
def test_who_has_locked_a_pipeline_changes_what_others_have_made_of_it(store: SqlStore) -> None:
    draft = make_pipeline(owner_id=OWNER, title="")
    with store.begin() as ledger:
        ledger.catalog.put_pipelines([draft])

    def change(number: int) -> None:
        for _ in range(5):
            with store.begin() as ledger:
                found = ledger.catalog.pipelines([draft.id], lock=True)[draft.id]
                ledger.catalog.put_pipelines([replace(found, title=f"{found.title}{number}")])

    race(change)
    with store.read() as ledger:
        assert Counter(ledger.catalog.pipelines([draft.id])[draft.id].title) == dict.fromkeys("0123", 5)


@on_every_ledger
def test_deltas_of_many_transactions_all_count(store: SqlStore) -> None:
    jobs = [make_job(counts=Counts(ready=THREADS * 5)) for _ in range(6)]
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, {})
    moved = {TaskState.READY: -1, TaskState.ENQUEUED: 1}

    def add(number: int) -> None:
        for turn in range(5):
            ordered = jobs if (number + turn) % 2 else jobs[::-1]
            with store.begin() as ledger:
                ledger.jobs.add_deltas([JobDelta(job.id, moved, 10) for job in ordered])

    race(add)
    with store.read() as ledger:
        found = ledger.jobs.fetch([job.id for job in jobs]).values()
    assert {(job.counts.ready, job.counts.enqueued, job.progress) for job in found} == {(0, THREADS * 5, THREADS * 50)}


@on_every_ledger
def test_statistics_of_many_transactions_all_count_and_never_wait_in_a_circle(store: SqlStore) -> None:
    def submit(number: int) -> None:
        for turn in range(5):
            names = ["cells", "nuclei"] if (number + turn) % 2 else ["nuclei", "cells"]
            for_each = [make_job(pipeline_name=name) for name in names]
            with store.begin() as ledger:
                ledger.jobs.insert(for_each, {})
                ledger.jobs.write([(job, replace(job, state=JobState.RUNNING)) for job in for_each])

    race(submit)
    with store.read() as ledger:
        assert ledger.jobs.statistics(OWNER) == {
            ("cells", JobState.RUNNING): THREADS * 5,
            ("nuclei", JobState.RUNNING): THREADS * 5,
        }


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_of_those_who_delete_the_last_jobs_of_a_batch_one_deletes_it(store: SqlStore) -> None:
    batch = Batch(new_id(), OWNER, "b", "nuclei", {}, NOW)
    jobs = [make_job(batch_id=batch.id) for _ in range(THREADS)]
    with store.begin() as ledger:
        ledger.owners.insert_batches([batch])
        ledger.jobs.insert(jobs, {})

    all_deleted = threading.Barrier(THREADS)

    def delete(number: int) -> int:
        with store.begin() as ledger:
            assert ledger.jobs.delete([jobs[number].id]) == 1
            # Nobody sees yet what the others have deleted.
            all_deleted.wait(10)
            return ledger.owners.delete_empty_batches(NOW + 1, [batch.id])

    assert sorted(map(str, race(delete))) == [*["0"] * (THREADS - 1), "1"]
    with store.read() as ledger:
        assert ledger.owners.batches(None, Page()) == []


@on_every_ledger
def test_of_second_results_and_kept_answers_one_wins(store: SqlStore) -> None:
    task = make_task()

    def finish(number: int) -> str:
        try:
            with store.begin() as ledger:
                ledger.jobs.remember_request(OWNER, "key", "digest", str(number), NOW)
                ledger.results.insert([make_result(task_id=task.id)], [])
        except EngineError as error:
            return error.code.value
        return "won"

    assert sorted(map(str, race(finish))) == ["conflict"] * (THREADS - 1) + ["won"]


@on_shared_ledgers
def test_a_reader_sees_one_moment_while_others_write(store: SqlStore) -> None:
    with store.read() as before:
        assert before.jobs.count(JobFilter(text="a job")) == 0
        with store.begin() as ledger:
            ledger.jobs.insert([make_job()], {})
        assert before.jobs.count(JobFilter(text="a job")) == 0
    with store.read() as after:
        assert after.jobs.count(JobFilter(text="a job")) == 1


@on_shared_ledgers
def test_what_is_not_committed_is_not_seen(store: SqlStore) -> None:
    job = make_job()
    with store.begin() as ledger:
        ledger.jobs.insert([job], {})
        with store.read() as reader:
            assert reader.jobs.fetch([job.id]) == {}


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_a_lock_makes_another_writer_wait_until_the_end(store: SqlStore) -> None:
    task = make_task()
    with store.begin() as ledger:
        ledger.tasks.insert([task])
    order: list[str] = []
    is_locked = threading.Event()

    def wait_for_it() -> None:
        assert is_locked.wait(10)
        with store.begin() as ledger:
            ledger.tasks.fetch([task.id], lock=True)
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_it)
        with store.begin() as ledger:
            ledger.tasks.fetch([task.id], lock=True)
            is_locked.set()
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            order.append("first")
        waiting.result(10)
    assert order == ["first", "second"]


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_transactions_that_wait_in_a_circle_end_with_one_that_is_told_to_try_again(store: SqlStore) -> None:
    jobs = [make_job(), make_job()]
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, {})
    have_one = threading.Barrier(2)

    def lock_both(number: int) -> str:
        first, second = jobs if number else jobs[::-1]
        try:
            with store.begin() as ledger:
                ledger.jobs.fetch([first.id], lock=True)
                have_one.wait(10)
                ledger.jobs.fetch([second.id], lock=True)
        except EngineError as error:
            return f"{error.code.value}: {error.message}"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(lock_both, range(2)))
    assert ended == ["done", "unavailable: The ledger is busy: deadlock detected."]


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_who_locks_tasks_has_locked_their_jobs_before(store: SqlStore) -> None:
    job = make_job()
    task = make_task(job_id=job.id, state=TaskState.ENQUEUED, delivery_id="e" * 24)
    with store.begin() as ledger:
        ledger.jobs.insert([job], {})
        ledger.tasks.insert([task])
    ways: list[Callable[[SqlLedger], object]] = [
        lambda ledger: ledger.tasks.fetch([task.id], lock=True),
        lambda ledger: ledger.tasks.of_deliveries(["e" * 24], lock=True),
        lambda ledger: ledger.tasks.of_jobs([job.id], lock=True),
        lambda ledger: ledger.tasks.of_reports([task.id], []),
        lambda ledger: ledger.tasks.of_reports([], ["e" * 24]),
        lambda ledger: ledger.jobs.add_deltas([JobDelta(job.id, {})]),
    ]
    for lock in ways:

        def lock_later(lock: Callable[[SqlLedger], object] = lock) -> None:
            with store.begin() as ledger:
                lock(ledger)

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as ledger:
                ledger.jobs.fetch([job.id], lock=True)
                waiting = pool.submit(lock_later)
                with pytest.raises(TimeoutError):
                    waiting.result(0.1)
            waiting.result(10)


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_files_are_not_deleted_while_a_submission_holds_them(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "lab", NOW)])

    def hold(to_delete: bool) -> None:
        with store.begin() as later:
            later.files.hold(OWNER, to_delete=to_delete)

    with ThreadPoolExecutor(2) as pool:
        with store.begin() as ledger:
            ledger.files.hold(OWNER)
            pool.submit(hold, False).result(10)
            deleting = pool.submit(hold, True)
            with pytest.raises(TimeoutError):
                deleting.result(0.2)
        deleting.result(10)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "not an address", "sqlite+aiosqlite://"])
def test_an_unknown_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(EngineError) as refusal:
        SqlStore(url)
    assert refusal.value.code is ErrorCode.INVALID


def assert_unavailable(store: SqlStore) -> None:
    for use in (store.begin, store.read):
        with pytest.raises(EngineError) as refusal, use() as ledger:
            ledger.jobs.count(JobFilter(text="x"))
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        assert refusal.value.retry_after_seconds
    for method in (store.check, store.migrate):
        with pytest.raises(EngineError) as refusal:
            method()
        assert refusal.value.code is ErrorCode.UNAVAILABLE


def test_a_sqlite_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    store = SqlStore(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert_unavailable(store)
    store.close()


def test_a_server_that_nobody_runs_is_unavailable(tmp_path: Path) -> None:
    store = SqlStore(f"postgresql://postgres@/ledger?host={tmp_path}")
    assert_unavailable(store)
    store.close()


@pytest.mark.parametrize("_kind", ON_POSTGRESQL)
def test_a_server_that_dies_is_unavailable_and_used_again_when_it_is_back(_kind: str) -> None:
    with running_postgresql() as server:
        store = SqlStore(server.create_database("ledger"))
        store.migrate()
        job, lost = make_job(), make_job()
        with store.begin() as ledger:
            ledger.jobs.insert([job], {})

        def lose_the_server() -> None:
            with store.begin() as ledger:
                ledger.jobs.insert([lost], {})
                server.stop()

        with pytest.raises(EngineError) as refusal:
            lose_the_server()
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        assert_unavailable(store)
        server.start()
        with store.read() as ledger:
            assert ledger.jobs.fetch([job.id, lost.id]) == {job.id: job}
        store.close()


@pytest.mark.parametrize("_kind", ON_POSTGRESQL)
def test_a_server_that_hangs_is_unavailable_and_used_again_when_it_goes_on(
    _kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "QUIET_SECONDS", 1.0)
    with running_postgresql() as server:
        store = SqlStore(server.create_database("ledger"))
        store.migrate()
        job = make_job()

        def meet_the_frost() -> None:
            with store.begin() as ledger, server.frozen():
                ledger.jobs.insert([job], {})

        with pytest.raises(EngineError) as refusal:
            meet_the_frost()
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        with server.frozen(), pytest.raises(EngineError) as refusal:
            store.check()
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        with store.begin() as ledger:
            assert ledger.jobs.fetch([job.id]) == {}
            ledger.jobs.insert([job], {})
        store.close()


@pytest.mark.parametrize("ledger_url", ON_POSTGRESQL, indirect=True)
def test_a_slow_statement_of_a_server_that_lives_is_waited_for(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "QUIET_SECONDS", 1.0)
    database = open_database(ledger_url)
    with database.connect() as connection:
        assert connection.scalar(text("SELECT 'slow' FROM pg_sleep(2.5)")) == "slow"
    database.dispose()


@pytest.mark.parametrize("_kind", ON_POSTGRESQL)
def test_a_server_that_became_a_replica_is_unavailable_to_who_writes(_kind: str) -> None:
    with running_postgresql() as server:
        store = SqlStore(server.create_database("ledger"))
        store.migrate()
        server.stop("fast")
        (server.data / "standby.signal").touch()
        server.start()

        def write() -> None:
            with store.begin() as ledger:
                ledger.jobs.insert([make_job()], {})

        with pytest.raises(EngineError) as refusal:
            write()
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        assert refusal.value.retry_after_seconds
        with store.read() as ledger:
            assert ledger.jobs.count(JobFilter()) == 0
        store.close()
