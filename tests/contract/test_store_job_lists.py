"""Every filter and every order of jobs gives what a plain search through the jobs gives, on every ledger."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import JobFilter, Page, Span
from jobengine.domain.orders import sort_key
from jobengine.domain.records import Job
from jobengine.domain.states import FailureKind, JobState, TaskState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import NOW, OTHER_OWNER, OWNER, make_file, make_job, make_task

pytestmark = on_every_ledger

HASHES = ["1" * 64, "2" * 64, "3" * 64]
STATES = list(JobState)


def fill(store: SqlStore, count: int = 60) -> tuple[list[Job], dict[str, set[str]]]:
    """Jobs of many kinds, oldest first, and the hashes of the files of each."""
    chance = random.Random(7)
    files = [make_file(sha256=sha256) for sha256 in (*HASHES, HASHES[0])]
    jobs = []
    for number in range(count):
        state = chance.choice(STATES)
        at = NOW + number // 4
        jobs.append(
            make_job(
                owner_id=chance.choice([OWNER, OWNER, OTHER_OWNER]),
                name=chance.choice(["Plate 100%", "plate_7", "Ärger", "x\\y"]),
                state=state,
                priority=chance.choice([1, 5]),
                pipeline_name=chance.choice(["nuclei", "cells"]),
                pipeline_id=chance.choice(["1" * 24, "2" * 24]),
                parent_id=chance.choice([None, "3" * 24]),
                batch_id=chance.choice([None, "4" * 24, "5" * 24]),
                labels={"project": chance.choice("ab"), "plate": chance.choice("12")},
                created_at=at,
                started_at=None if state is JobState.PENDING else at + chance.choice([1, 2, 3]),
                finished_at=at + chance.choice([5, 6]) if state.is_final else None,
            )
        )
    used = {job.id: chance.sample(files, chance.choice([0, 1, 2, 4])) for job in jobs}
    with store.begin() as ledger:
        ledger.files.insert(files)
        ledger.jobs.insert(jobs, {job_id: [file.id for file in given] for job_id, given in used.items()})
        ledger.tasks.insert(
            [
                make_task(job_id=job.id, state=TaskState.FAILED, failure_kind=kind)
                for job in jobs
                for kind in ((FailureKind.STEP, FailureKind.TIMEOUT) if is_timed_out(job) else (FailureKind.CRASH,))
            ]
        )
    return jobs, {job_id: {file.sha256 for file in given} for job_id, given in used.items()}


def is_timed_out(job: Job) -> bool:
    """Whether a failed job of ours is one with a task that ran out of time."""
    return job.state is JobState.FAILED and job.priority == 1


def compare(value: float | None, test: Callable[[float], bool]) -> bool:
    return value is not None and test(value)


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Job, set[str]], bool]]] = {
    "all": ({}, lambda job, _: True),
    "a state": ({"states": (JobState.FAILED,)}, lambda job, _: job.state is JobState.FAILED),
    "states": (
        {"states": (JobState.FAILED, JobState.RUNNING)},
        lambda job, _: job.state in (JobState.FAILED, JobState.RUNNING),
    ),
    "no state": ({"states": ()}, lambda job, _: False),
    "a pipeline": ({"pipeline_name": "cells"}, lambda job, _: job.pipeline_name == "cells"),
    "a pipeline and states": (
        {"pipeline_name": "cells", "states": (JobState.FAILED, JobState.PENDING)},
        lambda job, _: job.pipeline_name == "cells" and job.state in (JobState.FAILED, JobState.PENDING),
    ),
    "a pipeline ID": ({"pipeline_id": "1" * 24}, lambda job, _: job.pipeline_id == "1" * 24),
    "a batch": ({"batch_id": "4" * 24}, lambda job, _: job.batch_id == "4" * 24),
    "a parent": ({"parent_id": "3" * 24}, lambda job, _: job.parent_id == "3" * 24),
    "a label": ({"labels": {"project": "a"}}, lambda job, _: job.labels["project"] == "a"),
    "two labels": (
        {"labels": {"project": "a", "plate": "2"}},
        lambda job, _: dict(job.labels) == {"project": "a", "plate": "2"},
    ),
    "a label and a state": (
        {"labels": {"project": "b"}, "states": (JobState.FAILED,)},
        lambda job, _: job.labels["project"] == "b" and job.state is JobState.FAILED,
    ),
    "a label and a hash": (
        {"labels": {"project": "b"}, "file_sha256": (HASHES[1],)},
        lambda job, hashes: job.labels["project"] == "b" and HASHES[1] in hashes,
    ),
    "a hash": ({"file_sha256": (HASHES[0],)}, lambda _, hashes: HASHES[0] in hashes),
    "hashes": ({"file_sha256": tuple(HASHES[:2])}, lambda _, hashes: bool(hashes & set(HASHES[:2]))),
    "many hashes": (
        {"file_sha256": (*HASHES[:2], *(f"{number:064x}" for number in range(600)))},
        lambda _, hashes: bool(hashes & set(HASHES[:2])),
    ),
    "no hash": ({"file_sha256": ()}, lambda job, _: False),
    "created before": ({"created_before": NOW + 7}, lambda job, _: job.created_at < NOW + 7),
    "created after": ({"created_after": NOW + 7}, lambda job, _: job.created_at > NOW + 7),
    "started before": ({"started_before": NOW + 9}, lambda job, _: compare(job.started_at, lambda at: at < NOW + 9)),
    "started after": ({"started_after": NOW + 9}, lambda job, _: compare(job.started_at, lambda at: at > NOW + 9)),
    "finished before": ({"finished_before": NOW + 9}, lambda job, _: compare(job.finished_at, lambda at: at < NOW + 9)),
    "finished after": ({"finished_after": NOW + 9}, lambda job, _: compare(job.finished_at, lambda at: at > NOW + 9)),
    "states before a time": (
        {"finished_before": NOW + 12, "states": (JobState.FAILED, JobState.SUCCEEDED)},
        lambda job, _: (
            job.state in (JobState.FAILED, JobState.SUCCEEDED) and compare(job.finished_at, lambda at: at < NOW + 12)
        ),
    ),
    "owners": ({"owner_ids": (OTHER_OWNER, "9" * 24)}, lambda job, _: job.owner_id == OTHER_OWNER),
    "no owner": ({"owner_ids": ()}, lambda job, _: False),
    "any of two spans": (
        {"spans": (Span("started_at", after=NOW + 13), Span("finished_at", before=NOW + 8))},
        lambda job, _: (
            compare(job.started_at, lambda at: at > NOW + 13) or compare(job.finished_at, lambda at: at < NOW + 8)
        ),
    ),
    "any of two spans before a time": (
        {"spans": (Span("created_at", NOW + 1, NOW + 3), Span("finished_at", before=NOW + 8))},
        lambda job, _: NOW + 1 < job.created_at < NOW + 3 or compare(job.finished_at, lambda at: at < NOW + 8),
    ),
    "a span and a hash": (
        {"spans": (Span("finished_at"),), "file_sha256": (HASHES[0],)},
        lambda job, hashes: job.finished_at is not None and HASHES[0] in hashes,
    ),
    "no span": ({"spans": ()}, lambda job, _: False),
    "timed out": ({"states": (JobState.FAILED,), "timed_out": True}, lambda job, _: is_timed_out(job)),
    "pending or timed out": (
        {"states": (JobState.FAILED, JobState.PENDING), "timed_out": True},
        lambda job, _: job.state is JobState.PENDING or is_timed_out(job),
    ),
    "not timed out": ({"timed_out": False}, lambda job, _: not is_timed_out(job)),
    "succeeded, or failed otherwise": (
        {"states": (JobState.FAILED, JobState.SUCCEEDED), "timed_out": False},
        lambda job, _: job.state in (JobState.FAILED, JobState.SUCCEEDED) and not is_timed_out(job),
    ),
    "text in either case": ({"text": "PLATE"}, lambda job, _: "plate" in job.name.lower()),
    "text in any alphabet": ({"text": "ärG"}, lambda job, _: job.name == "Ärger"),
    "a percent sign": ({"text": "0%"}, lambda job, _: "%" in job.name),
    "an underscore": ({"text": "e_"}, lambda job, _: "_" in job.name),
    "a backslash": ({"text": "x\\"}, lambda job, _: "\\" in job.name),
}


@pytest.mark.thorough
@pytest.mark.parametrize("owner_id", [None, OWNER])
@pytest.mark.parametrize("sort", ["created_at", "name"])
def test_every_filter_finds_what_a_plain_search_finds(store: SqlStore, owner_id: str | None, sort: str) -> None:
    jobs, hashes = fill(store)
    for name, (criteria, is_wanted) in FILTERS.items():
        wanted = [job for job in jobs if owner_id in (None, job.owner_id) and is_wanted(job, hashes[job.id])]
        if sort == "name":
            wanted.sort(key=lambda job: (job.name.encode(), job.id))
        where = JobFilter(owner_id=owner_id, sort=sort, **criteria)
        with store.read() as ledger:
            assert ledger.jobs.page(where, Page(None, descending=False)) == wanted, name
            assert ledger.jobs.page(where, Page(None)) == wanted[::-1], name
            assert ledger.jobs.page(where, Page(3, offset=2)) == wanted[::-1][2:5], name
            assert ledger.jobs.count(where) == len(wanted), name
            pages: list[Job] = []
            while page := ledger.jobs.page(where, Page(7, pages[-1].id if pages else None)):
                pages += page
            assert pages == wanted[::-1], name


def test_jobs_are_found_by_their_ids_and_by_parts_of_them(store: SqlStore) -> None:
    jobs, _ = fill(store)
    with store.read() as ledger:
        assert ledger.jobs.page(JobFilter(OWNER, ids=tuple(job.id for job in jobs)), Page(None)) == [
            job for job in jobs[::-1] if job.owner_id == OWNER
        ]
        assert ledger.jobs.page(JobFilter(text=jobs[3].id.upper()), Page()) == [jobs[3]]
        assert ledger.jobs.page(JobFilter(ids=()), Page()) == []


def test_a_search_finds_common_and_rare_texts_among_many_jobs(store: SqlStore) -> None:
    jobs = [make_job(name=f'"Plate" {number:04} AND') for number in range(1500)]
    rare = make_job(name='one "well" NOT plated', owner_id=OTHER_OWNER)
    with store.begin() as ledger:
        ledger.jobs.insert([*jobs, rare], {})
    with store.read() as ledger:
        assert ledger.jobs.page(JobFilter(text='"plate" 0'), Page(3)) == jobs[:1000][:-4:-1]
        assert ledger.jobs.count(JobFilter(text='"plate"')) == 1500
        assert ledger.jobs.page(JobFilter(text='"WELL" not'), Page()) == [rare]
        assert ledger.jobs.page(JobFilter(OWNER, text='"WELL" not'), Page()) == []
        assert ledger.jobs.page(JobFilter(text='e" 0777 a', ids=(jobs[777].id, rare.id)), Page()) == [jobs[777]]
        assert ledger.jobs.page(JobFilter(text='e" 0777 a', ids=(rare.id,)), Page()) == []
        assert ledger.jobs.page(JobFilter(text="nowhere"), Page()) == []
        assert ledger.jobs.count(JobFilter(text=jobs[5].id[3:])) == 1


@pytest.mark.parametrize("owner_id", [None, OWNER])
def test_a_search_among_many_jobs_goes_on_page_by_page_after_jobs_that_are_gone(
    store: SqlStore, owner_id: str | None
) -> None:
    jobs = [make_job(name=f"plate {number % 7}") for number in range(1500)]
    with store.begin() as ledger:
        ledger.jobs.insert([*jobs, make_job(name="plate 7", owner_id=OTHER_OWNER)], {})
    where = JobFilter(owner_id, text="PLATE 3")
    wanted = [job for job in jobs if job.name == "plate 3"]
    with store.begin() as ledger:
        seen = first = ledger.jobs.page(where, Page(40))
        ledger.jobs.delete([first[-1].id])
        while found := ledger.jobs.page(where, Page(40, after=seen[-1].id)):
            seen = [*seen, *found]
        assert seen == wanted[::-1]
        wanted.remove(first[-1])
        seen = ledger.jobs.page(where, Page(40, descending=False))
        while found := ledger.jobs.page(where, Page(40, after=seen[-1].id, descending=False)):
            seen += found
        assert seen == wanted
        assert ledger.jobs.page(where, Page(2, offset=3)) == wanted[-5:-3][::-1]


def test_a_search_follows_renaming_and_deleting(store: SqlStore) -> None:
    renamed, deleted = make_job(name="before"), make_job(name="before")
    after = replace(renamed, name="afterwards")
    with store.begin() as ledger:
        ledger.jobs.insert([renamed, deleted], {})
        ledger.jobs.write([(renamed, after)])
        ledger.jobs.delete([deleted.id])
        assert ledger.jobs.page(JobFilter(text="before"), Page()) == []
        assert ledger.jobs.page(JobFilter(text="afterw"), Page()) == [after]


SORTS: dict[str, Callable[[Job], Any]] = {
    "created_at": lambda job: job.created_at,
    "started_at": lambda job: -1 if job.started_at is None else job.started_at,
    "finished_at": lambda job: -1 if job.finished_at is None else job.finished_at,
    "name": lambda job: job.name.encode(),
    "priority": lambda job: job.priority,
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_every_order_join_into_the_whole_list(store: SqlStore, sort: str, descending: bool) -> None:
    jobs, _ = fill(store)
    key = SORTS[sort]
    for owner_id in (None, OWNER):
        expected = [job for job in jobs if owner_id in (None, job.owner_id)]
        expected.sort(key=lambda job: (key(job), job.id), reverse=descending)
        with store.read() as ledger:
            pages: list[Job] = []
            where = JobFilter(owner_id, sort=sort)
            while page := ledger.jobs.page(where, Page(7, pages[-1].id if pages else None, descending=descending)):
                pages += page
        assert pages == expected


def test_jobs_that_ran_out_of_time_are_told_from_the_rest(store: SqlStore) -> None:
    jobs, _ = fill(store)
    wanted = {job.id for job in jobs if is_timed_out(job)}
    with store.read() as ledger:
        assert ledger.jobs.timed_out([job.id for job in jobs]) == wanted
        assert ledger.jobs.timed_out([]) == set()


def test_an_unknown_order_is_refused(store: SqlStore) -> None:
    with pytest.raises(EngineError) as refusal, store.read() as ledger:
        ledger.jobs.page(JobFilter(sort="color"), Page())
    assert refusal.value.code is ErrorCode.INVALID
    assert refusal.value.field == "sort"


@pytest.mark.parametrize("criteria", [{}, {"created_before": NOW + 99}, {"states": (JobState.PENDING,)}])
@pytest.mark.parametrize("descending", [True, False])
def test_a_list_goes_on_after_a_job_that_was_deleted(
    store: SqlStore, criteria: dict[str, Any], descending: bool
) -> None:
    jobs = [make_job(created_at=NOW + number // 3) for number in range(12)]
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, {})
    expected = jobs[::-1] if descending else jobs
    for place in range(11):
        with store.begin() as ledger:
            ledger.jobs.delete([expected[place].id])
        with store.read() as ledger:
            page = ledger.jobs.page(JobFilter(**criteria), Page(3, expected[place].id, descending=descending))
        assert page == expected[place + 1 : place + 4]


@pytest.mark.parametrize("sort", ["name", "priority", "started_at", "finished_at"])
@pytest.mark.parametrize("descending", [True, False])
def test_an_order_goes_on_from_a_key_after_a_job_that_was_deleted(store: SqlStore, sort: str, descending: bool) -> None:
    jobs, _ = fill(store, 12)
    where = JobFilter(sort=sort)
    with store.read() as ledger:
        expected = ledger.jobs.page(where, Page(None, descending=descending))
    for place in range(len(jobs) - 1):
        gone = expected[place]
        with store.begin() as ledger:
            ledger.jobs.delete([gone.id])
            page = Page(3, gone.id, descending=descending, after_key=sort_key(gone, sort))
            assert ledger.jobs.page(where, page) == expected[place + 1 : place + 4]


def test_an_order_whose_place_was_deleted_says_so(store: SqlStore) -> None:
    jobs, _ = fill(store, 4)
    with store.begin() as ledger:
        ledger.jobs.delete([jobs[0].id])
    with pytest.raises(EngineError) as refusal, store.read() as ledger:
        ledger.jobs.page(JobFilter(sort="name"), Page(3, jobs[0].id))
    assert refusal.value.code is ErrorCode.INVALID
    assert refusal.value.field == "after"


def test_paging_while_jobs_come_and_go_gives_each_job_that_stood_throughout_once(store: SqlStore) -> None:
    chance = random.Random(3)
    standing: list[Job] = []
    passing: list[Job] = []
    for number in range(300):
        job = make_job()
        (passing if number % 3 == 0 else standing).append(job)
    with store.begin() as ledger:
        ledger.jobs.insert(sorted(standing + passing, key=lambda job: job.id), {})
    seen: list[str] = []
    after = None
    while True:
        with store.read() as ledger:
            page = ledger.jobs.page(JobFilter(OWNER), Page(20, after))
        if not page:
            break
        seen += [job.id for job in page]
        after = page[-1].id
        newcomers = [make_job() for _ in range(5)]
        # The last job of the page goes, too, whenever it is one of those that pass.
        leaving = {job.id for job in chance.sample(passing, 8)} | ({after} & {job.id for job in passing})
        with store.begin() as ledger:
            ledger.jobs.insert(newcomers, {})
            ledger.jobs.delete(leaving)
        passing = [job for job in passing if job.id not in leaving] + newcomers
    assert len(seen) == len(set(seen))
    assert {job.id for job in standing} <= set(seen)
