"""The owner rows, with keys and batches."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import delete, exists, func, select, text, update

from jobengine.domain.filters import Page
from jobengine.domain.records import Batch, Key, Limits, Owner, Role
from jobengine.store import paging
from jobengine.store.bulk import Link, encode_json, insert_rows, storable
from jobengine.store.row_locks import lock_rows
from jobengine.store.tables import batches, jobs, keys, owners

# A lock of a name, and not of the owner's row: others hold that one while they wait for jobs.
_TRY_CLAIM = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


class SqlOwners:
    """``OwnerRows`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def insert(self, new: Sequence[Owner]) -> None:
        rows = [(owner.id, owner.name, owner.created_at, *astuple(owner.limits)) for owner in new]
        insert_rows(self._link, owners, rows)

    def fetch(self, ids: Collection[str]) -> dict[str, Owner]:
        statement = select(owners).where(owners.c.id.in_(self._link.ids(ids)))
        return {row[0]: _read_owner(row) for row in self._link.run(statement)}

    def find(self, name: str) -> Owner | None:
        row = self._link.run(select(owners).where(owners.c.name == storable(name))).first()
        return _read_owner(row) if row else None

    def all(self) -> list[Owner]:
        return [_read_owner(row) for row in self._link.run(select(owners).order_by(owners.c.id))]

    def page(self, page: Page) -> list[Owner]:
        return [_read_owner(row) for row in paging.page_by_id(self._link, owners, [], page)]

    def write_limits(self, owner: Owner) -> None:
        limits = owner.limits
        self._link.run(
            update(owners)
            .where(owners.c.id == owner.id)
            .values(
                queued_jobs=limits.queued_jobs,
                running_tasks=limits.running_tasks,
                stored_bytes=limits.stored_bytes,
                requests_per_second=limits.requests_per_second,
            )
        )

    def claim_counting(self, owner_ids: Collection[str]) -> set[str]:
        if not self._link.is_postgresql:
            return set(owner_ids)
        return {
            owner_id for owner_id in sorted(owner_ids) if self._link.run(_TRY_CLAIM, name=f"count {owner_id}").scalar()
        }

    def insert_keys(self, new: Sequence[Key]) -> None:
        insert_rows(self._link, keys, [astuple(key) for key in new])

    def key(self, key_id: str) -> Key | None:
        row = self._link.run(select(keys).where(keys.c.id == storable(key_id))).first()
        return _read_key(row) if row else None

    def keys(self, owner_id: str | None, page: Page) -> list[Key]:
        criteria = paging.equalities(keys, {"owner_id": owner_id})
        return [_read_key(row) for row in paging.page_by_id(self._link, keys, criteria, page)]

    def write_key(self, key: Key) -> None:
        # A key ends for good, also where it is written by somebody who read it before it was revoked.
        revoked_at = func.coalesce(keys.c.revoked_at, key.revoked_at)
        self._link.run(update(keys).where(keys.c.id == key.id).values(revoked_at=revoked_at, expires_at=key.expires_at))

    def touch_key(self, key_id: str, used_at: float) -> None:
        self._link.run(update(keys).where(keys.c.id == key_id).values(last_used_at=used_at))

    def insert_batches(self, new: Sequence[Batch]) -> None:
        insert_rows(self._link, batches, [_batch_row(batch) for batch in new])

    def batches(self, owner_id: str | None, page: Page, *, ids: Collection[str] | None = None) -> list[Batch]:
        criteria = paging.equalities(batches, {"owner_id": owner_id})
        if ids is not None:
            criteria.append(batches.c.id.in_(self._link.ids(ids)))
        return [_read_batch(row) for row in paging.page_by_id(self._link, batches, criteria, page)]

    def delete_batches(self, ids: Collection[str]) -> int:
        return self._link.run(delete(batches).where(batches.c.id.in_(self._link.ids(ids)))).rowcount

    def delete_empty_batches(self, created_before: float, ids: Collection[str] | None = None) -> int:
        criteria = [batches.c.created_at < created_before, ~exists().where(jobs.c.batch_id == batches.c.id)]
        if ids is not None:
            # Of two who delete the last jobs of a batch, each would see the other's: the second waits, and then sees.
            lock_rows(self._link, batches, ids)
            criteria.append(batches.c.id.in_(self._link.ids(ids)))
        return self._link.run(delete(batches).where(*criteria)).rowcount


def _read_owner(row: Sequence[Any]) -> Owner:
    identifier, name, created_at, *limits = row
    return Owner(identifier, name, created_at, Limits(*limits))


def _read_key(row: Sequence[Any]) -> Key:
    values = list(row)
    values[3] = Role(values[3])
    return Key(*values)


def _batch_row(batch: Batch) -> tuple[Any, ...]:
    return (
        batch.id,
        batch.owner_id,
        batch.name,
        batch.pipeline_name,
        encode_json(batch.hardware),
        batch.created_at,
        batch.job_count,
    )


def _read_batch(row: Sequence[Any]) -> Batch:
    values = list(row)
    values[4] = json.loads(values[4])
    return Batch(*values)
