"""The file rows keep their contract on every ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.records import File
from jobengine.domain.states import JobState
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import OTHER_OWNER, OWNER, make_artifact, make_file, make_job, new_id

pytestmark = on_every_ledger


def insert(store: SqlStore, *files: File) -> None:
    with store.begin() as ledger:
        ledger.files.insert(files)


def test_a_file_comes_back_as_it_was_inserted(store: SqlStore) -> None:
    file = make_file(name="Zähler 🔬.png", folder="a/b", size_bytes=2**40)
    insert(store, file)
    with store.read() as ledger:
        assert ledger.files.fetch([file.id, new_id()]) == {file.id: file}
        assert ledger.files.fetch([]) == {}


def test_a_list_of_files_meets_all_its_criteria(store: SqlStore) -> None:
    wanted = make_file(folder="a", sha256="7" * 64, name="Plate_1 (50%).PNG")
    changes: list[dict[str, str]] = [{"owner_id": OTHER_OWNER}, {"folder": "a/b"}, {"sha256": "8" * 64}, {"name": "x"}]
    insert(store, wanted, *(wanted._replace(id=new_id(), **change) for change in changes))  # type: ignore[arg-type]
    where = FileFilter(OWNER, "a", "7" * 64, "_1 (50%).png")
    with store.read() as ledger:
        assert ledger.files.page(where, Page()) == [wanted]
        assert ledger.files.count(where) == 1
        assert ledger.files.count(FileFilter()) == 5
        assert ledger.files.page(FileFilter(text=wanted.id.upper()), Page()) == [wanted]


def test_the_files_of_a_job_are_listed(store: SqlStore) -> None:
    files = [make_file() for _ in range(3)]
    insert(store, *files)
    job = make_job()
    with store.begin() as ledger:
        ledger.jobs.insert([job], {job.id: [files[2].id, files[0].id]})
        assert ledger.files.page(FileFilter(OWNER, job_id=job.id), Page(descending=False)) == [files[0], files[2]]
        assert ledger.files.count(FileFilter(OWNER, job_id=new_id())) == 0


def test_the_first_file_of_each_of_many_jobs_is_found_while_it_is_there(store: SqlStore) -> None:
    files = [make_file() for _ in range(3)]
    jobs = [make_job() for _ in range(4)]
    named = {jobs[0].id: [files[1].id, files[0].id], jobs[1].id: [files[1].id], jobs[2].id: [files[2].id]}
    insert(store, *files)
    with store.begin() as ledger:
        ledger.jobs.insert(jobs, named)
        ledger.files.delete([files[2].id])
        found = ledger.files.first_of_jobs([job.id for job in jobs] + [new_id()])
        assert found == {jobs[0].id: files[1], jobs[1].id: files[1]}
        assert ledger.files.first_of_jobs([jobs[1].id]) == {jobs[1].id: files[1]}
        assert ledger.files.first_of_jobs([]) == {}


def test_the_root_folder_is_a_folder_like_any_other(store: SqlStore) -> None:
    root = make_file(folder="")
    insert(store, root, make_file(folder="a"))
    with store.read() as ledger:
        assert ledger.files.page(FileFilter(folder=""), Page()) == [root]


@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_files_join_into_the_whole_list(store: SqlStore, descending: bool) -> None:
    files = [make_file() for _ in range(10)]
    insert(store, *files)
    with store.read() as ledger:
        pages: list[File] = []
        while page := ledger.files.page(FileFilter(OWNER), Page(3, pages[-1].id if pages else None, 0, descending)):
            pages += page
    assert pages == (files[::-1] if descending else files)


def test_stored_bytes_count_each_content_of_the_owner_once(store: SqlStore) -> None:
    with store.begin() as ledger:
        assert ledger.files.stored_bytes(OWNER) == 0
        ledger.files.insert([make_file(), make_file(), make_file(sha256="3" * 64, size_bytes=2**40)])
        ledger.files.insert([make_file(owner_id=OTHER_OWNER, sha256="4" * 64)])
        ledger.results.insert([], [make_artifact(sha256="2" * 64, size_bytes=100), make_artifact(size_bytes=10)])
        assert ledger.files.stored_bytes(OWNER) == 100 + 2**40 + 10


def test_a_file_is_needed_while_a_job_on_it_is_not_final(store: SqlStore) -> None:
    file = make_file()
    job = make_job(state=JobState.RUNNING)
    ended = make_job(state=JobState.SUCCEEDED)
    with store.begin() as ledger:
        ledger.files.insert([file])
        assert not ledger.files.is_needed(file.id)
        ledger.jobs.insert([job, ended], {job.id: [file.id], ended.id: [file.id]})
        assert ledger.files.is_needed(file.id)
        ledger.jobs.write([(job, replace(job, state=JobState.FAILED))])
        assert not ledger.files.is_needed(file.id)


def test_deleted_files_are_counted_and_gone(store: SqlStore) -> None:
    file, kept = make_file(), make_file()
    insert(store, file, kept)
    with store.begin() as ledger:
        assert ledger.files.delete([file.id, new_id()]) == 1
        assert ledger.files.delete([]) == 0
        assert ledger.files.page(FileFilter(), Page()) == [kept]


def test_hashes_that_a_file_or_an_artifact_names_are_told_from_the_rest(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.files.insert([make_file(sha256="2" * 64)])
        ledger.results.insert([], [make_artifact(sha256="3" * 64)])
        assert ledger.files.named_hashes(["2" * 64, "3" * 64, "4" * 64]) == {"2" * 64, "3" * 64}
        assert ledger.files.named_hashes([]) == set()
