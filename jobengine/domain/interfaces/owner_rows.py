"""The rows of owners, their keys and their batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from jobengine.domain.filters import Page
from jobengine.domain.records import Batch, Key, Owner


class OwnerRows(Protocol):
    """Owners, their keys and their batches."""

    def insert(self, owners: Sequence[Owner]) -> None: ...

    def fetch(self, ids: Collection[str]) -> dict[str, Owner]: ...

    def find(self, name: str) -> Owner | None: ...

    def all(self) -> list[Owner]: ...

    def page(self, page: Page) -> list[Owner]: ...

    def write_limits(self, owner: Owner) -> None: ...

    def claim_counting(self, owner_ids: Collection[str]) -> set[str]:
        """Those of these owners whose tasks nobody else can have claimed to count until the transaction ends."""

    def insert_keys(self, keys: Sequence[Key]) -> None: ...

    def key(self, key_id: str) -> Key | None: ...

    def keys(self, owner_id: str | None, page: Page) -> list[Key]: ...

    def write_key(self, key: Key) -> None:
        """Write revoked_at and expires_at; one that was revoked stays so."""

    def touch_key(self, key_id: str, used_at: float) -> None:
        """Write last_used_at, and nothing that somebody else may have changed meanwhile."""

    def insert_batches(self, batches: Sequence[Batch]) -> None: ...

    def batches(self, owner_id: str | None, page: Page, *, ids: Collection[str] | None = None) -> list[Batch]: ...

    def delete_batches(self, ids: Collection[str]) -> int: ...

    def delete_empty_batches(self, created_before: float, ids: Collection[str] | None = None) -> int:
        """Delete those of all batches, or of these, that have no job and were made before a time; how many."""
