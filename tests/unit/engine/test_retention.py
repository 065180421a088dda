"""Batches go with the last of their jobs when retention takes it, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from jobengine.domain.announcements import Announcement, encode_announcement
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Batch, Job
from jobengine.domain.reports import Report, ReportKind
from jobengine.domain.states import JobState
from jobengine.store.owners import SqlOwners
from jobengine.verbs.requests import JobRequest
from tests.unit.engine.world import OWNER, WORKER, World

DAY_SECONDS = 86_400.0


@pytest.fixture
def keeping() -> World:
    """An engine that keeps ended jobs for a day."""
    return World(job_retention_days=1.0)


def submit_batch(world: World, jobs: int) -> tuple[Batch, tuple[Job, ...]]:
    batch = Batch(world.ids.new(), OWNER, "plate", "noop", {}, world.now)
    requests = [JobRequest(OWNER, "noop", world.upload(1), batch_id=batch.id) for _ in range(jobs)]
    return batch, world.engine.submit_many(requests, batch=batch).jobs


def batches(world: World) -> list[str]:
    with world.store.read() as ledger:
        return [batch.id for batch in ledger.owners.batches(None, Page(None, descending=False))]


def test_a_batch_goes_with_the_last_of_its_jobs(keeping: World) -> None:
    early, _ = submit_batch(keeping, 2)
    keeping.finish()
    keeping.now += DAY_SECONDS / 2
    late, _ = submit_batch(keeping, 1)
    keeping.announce()
    keeping.finish()
    keeping.now += DAY_SECONDS / 2 + 1
    assert (keeping.engine.prune(), batches(keeping)) == (2, [late.id])
    keeping.now += DAY_SECONDS / 2
    assert (keeping.engine.prune(), batches(keeping)) == (1, [])
    assert early.id < late.id


def test_a_batch_stays_while_one_of_its_jobs_does(keeping: World) -> None:
    batch, (first, _) = submit_batch(keeping, 2)
    keeping.engine.cancel(OWNER, [first.id])
    keeping.now += 2 * DAY_SECONDS
    assert (keeping.engine.prune(), batches(keeping)) == (1, [batch.id])
    keeping.announce()
    keeping.finish()
    keeping.now += 2 * DAY_SECONDS
    assert (keeping.engine.prune(), batches(keeping)) == (1, [])


def test_batch_and_last_job_go_together_or_not_at_all(keeping: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, jobs = submit_batch(keeping, 1)
    keeping.finish()
    keeping.now += 2 * DAY_SECONDS
    real = SqlOwners.delete_empty_batches

    def delete_and_break(rows: SqlOwners, *arguments: Any) -> int:
        real(rows, *arguments)
        raise KeyError("stop")

    monkeypatch.setattr(SqlOwners, "delete_empty_batches", delete_and_break)
    with pytest.raises(KeyError, match="stop"):
        keeping.engine.prune()
    assert (keeping.job(jobs[0]).state, batches(keeping)) == (JobState.SUCCEEDED, [batch.id])


def test_a_batch_that_its_owner_emptied_stays_for_the_retention(keeping: World) -> None:
    batch, jobs = submit_batch(keeping, 2)
    keeping.finish()
    keeping.engine.delete(OWNER, [job.id for job in jobs])
    keeping.engine.prune()
    assert batches(keeping) == [batch.id]
    keeping.now += 2 * DAY_SECONDS
    keeping.engine.prune()
    assert batches(keeping) == []


def test_without_retention_batches_and_jobs_stay(world: World) -> None:
    batch, jobs = submit_batch(world, 1)
    world.finish()
    world.engine.delete(OWNER, [jobs[0].id])
    world.now += 1000 * DAY_SECONDS
    world.engine.prune()
    with world.store.read() as ledger:
        assert ledger.jobs.count(JobFilter()) == 0
    assert batches(world) == [batch.id]


def test_workers_of_long_ago_are_forgotten_and_those_that_live_are_not(world: World) -> None:
    def known() -> list[str]:
        with world.store.read() as ledger:
            return [worker.id for worker in ledger.catalog.workers()]

    for start in range(3):
        gone = Announcement("host", 2, ("default",))
        report = Report(ReportKind.ANNOUNCED, f"pod-{start}", world.now, body=encode_announcement(gone))
        world.transport.report([report])
    world.engine.record()
    assert len(known()) == 4
    world.now += DAY_SECONDS + 1
    world.announce()
    world.engine.prune()
    assert known() == [WORKER]
