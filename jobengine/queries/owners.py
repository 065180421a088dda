"""Reading owners and their keys."""

from __future__ import annotations

from jobengine.domain.errors import not_found
from jobengine.domain.filters import Page
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.records import Key, Owner


class OwnerQueries:
    """Owners and their keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, owner_id: str) -> Owner:
        """One owner."""
        with self._store.read() as ledger:
            found = ledger.owners.fetch([owner_id])
        if owner_id not in found:
            raise not_found("owner", owner_id)
        return found[owner_id]

    def page(self, page: Page) -> list[Owner]:
        """A page of owners."""
        with self._store.read() as ledger:
            return ledger.owners.page(page)

    def keys(self, owner_id: str | None, page: Page) -> tuple[list[Key], dict[str, Owner]]:
        """A page of the keys of an owner, or of all, with the owners by ID."""
        with self._store.read() as ledger:
            keys = ledger.owners.keys(owner_id, page)
            return keys, ledger.owners.fetch({key.owner_id for key in keys})

    def key(self, key_id: str) -> Key:
        """One key."""
        with self._store.read() as ledger:
            key = ledger.owners.key(key_id)
        if key is None:
            raise not_found("key", key_id)
        return key
