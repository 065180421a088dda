"""The rows of owners, keys and batches keep their contract on every ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import Page
from jobengine.domain.records import Batch, Key, Limits, Owner, Role
from jobengine.store import SqlStore
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import NOW, OTHER_OWNER, OWNER, make_job, new_id

pytestmark = on_every_ledger


def make_key(owner_id: str = OWNER) -> Key:
    return Key(new_id(), owner_id, "laptop", Role.SUBMITTER, "5" * 64, NOW, expires_at=NOW + 60)


def test_owners_are_found_by_id_and_by_name(store: SqlStore) -> None:
    first = Owner(OWNER, "Labor Süd", NOW, Limits(1, 2, 2**40, 0.5))
    second = Owner(OTHER_OWNER, "north", NOW)
    with store.begin() as ledger:
        ledger.owners.insert([second, first])
        assert ledger.owners.fetch([OWNER, new_id()]) == {OWNER: first}
        assert ledger.owners.fetch([]) == {}
        assert ledger.owners.find("north") == second
        assert ledger.owners.find("North") is None
        assert ledger.owners.all() == [first, second]
        assert ledger.owners.page(Page(1, descending=False)) == [first]
        assert ledger.owners.page(Page(5, first.id, descending=False)) == [second]


def test_a_name_that_is_taken_is_a_conflict(store: SqlStore) -> None:
    with store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "south", NOW)])
    with pytest.raises(EngineError) as refusal, store.begin() as ledger:
        ledger.owners.insert([Owner(OTHER_OWNER, "south", NOW)])
    assert refusal.value.code is ErrorCode.CONFLICT


def test_limits_are_written_and_nothing_else(store: SqlStore) -> None:
    owner, other = Owner(OWNER, "south", NOW, Limits(running_tasks=4)), Owner(OTHER_OWNER, "north", NOW)
    limits = Limits(5, None, 7, 1.5)
    with store.begin() as ledger:
        ledger.owners.insert([owner, other])
        ledger.owners.write_limits(replace(owner, name="x", limits=limits))
        assert ledger.owners.all() == [replace(owner, limits=limits), other]


def test_keys_are_found_by_id_and_by_owner(store: SqlStore) -> None:
    mine, foreign = make_key(), replace(make_key(OTHER_OWNER), role=Role.ADMIN, expires_at=None)
    with store.begin() as ledger:
        ledger.owners.insert_keys([foreign, mine])
        assert ledger.owners.key(mine.id) == mine
        assert ledger.owners.key(new_id()) is None
        assert ledger.owners.keys(OTHER_OWNER, Page()) == [foreign]
        assert ledger.owners.keys(None, Page(descending=False)) == [mine, foreign]


def test_of_a_key_the_times_are_written_and_nothing_else(store: SqlStore) -> None:
    key, other = make_key(), make_key()
    revoked = replace(key, revoked_at=NOW + 2, expires_at=None)
    with store.begin() as ledger:
        ledger.owners.insert_keys([key, other])
        ledger.owners.write_key(replace(revoked, role=Role.ADMIN, secret_sha256="6" * 64, name="x", last_used_at=1.0))
        ledger.owners.touch_key(key.id, NOW + 1)
        assert ledger.owners.keys(None, Page(descending=False)) == [replace(revoked, last_used_at=NOW + 1), other]


def test_batches_are_listed_by_pages_owners_and_ids_and_deleted(store: SqlStore) -> None:
    batches = [Batch(new_id(), OWNER, f"b{n}", "nuclei", {"memory_gib": n}, NOW) for n in range(5)]
    foreign = replace(batches[0], id=new_id(), owner_id=OTHER_OWNER)
    with store.begin() as ledger:
        ledger.owners.insert_batches([*batches, foreign])
        first = ledger.owners.batches(OWNER, Page(3))
        assert first + ledger.owners.batches(OWNER, Page(3, first[-1].id)) == batches[::-1]
        assert ledger.owners.batches(None, Page(1)) == [foreign]
        assert ledger.owners.batches(OWNER, Page(), ids=[batches[2].id, foreign.id]) == [batches[2]]
        assert ledger.owners.batches(OWNER, Page(), ids=[]) == []
        assert ledger.owners.delete_batches([batches[0].id, new_id()]) == 1
        assert ledger.owners.delete_batches([]) == 0
        assert ledger.owners.batches(OWNER, Page(None, descending=False)) == batches[1:]


def test_only_old_batches_without_jobs_are_deleted_as_empty(store: SqlStore) -> None:
    old, busy, other, young = (Batch(new_id(), OWNER, "b", "nuclei", {}, NOW + at) for at in (0, 0, 0, 60))
    with store.begin() as ledger:
        ledger.owners.insert_batches([old, busy, other, young])
        ledger.jobs.insert([make_job(batch_id=busy.id), make_job()], {})
        assert ledger.owners.delete_empty_batches(NOW, [old.id]) == 0
        assert ledger.owners.delete_empty_batches(NOW + 60, []) == 0
        assert ledger.owners.delete_empty_batches(NOW + 60, [old.id, busy.id, young.id, new_id()]) == 1
        assert ledger.owners.batches(None, Page(descending=False)) == [busy, other, young]
        assert ledger.owners.delete_empty_batches(NOW + 60) == 1
        assert ledger.owners.batches(None, Page(descending=False)) == [busy, young]


def test_a_batch_keeps_how_many_jobs_it_had(store: SqlStore) -> None:
    batch = Batch(new_id(), OWNER, "b", "nuclei", {}, NOW, job_count=12)
    with store.begin() as ledger:
        ledger.owners.insert_batches([batch])
        assert ledger.owners.batches(OWNER, Page()) == [batch]


def test_a_key_that_was_revoked_stays_so_whoever_read_it_before(store: SqlStore) -> None:
    key = make_key()
    with store.begin() as ledger:
        ledger.owners.insert_keys([key])
        ledger.owners.write_key(replace(key, revoked_at=NOW + 1))
    with store.begin() as ledger:
        # Somebody who read it a moment earlier sets when it expires, as it knew the key.
        ledger.owners.write_key(replace(key, expires_at=NOW + 2))
        found = ledger.owners.key(key.id)
    assert found == replace(key, expires_at=NOW + 2, revoked_at=NOW + 1)
