"""What an owner may store, asked before bytes are kept: what is refused later lies in the store until it is pruned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, cast

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.verbs.outside import Outside

_CHUNK_BYTES = 1024 * 1024

Check = Callable[[Mapping[str, int]], None]
"""Asked for contents, sizes by hash; raises EngineError(LIMIT_REACHED) where there is no room for all."""


def check_room(ledger: Ledger, owner_id: str, contents: Mapping[str, int]) -> None:
    """Raise EngineError(LIMIT_REACHED) where these contents, sizes by hash, go past what the owner may store.

    What is a file of the owner's already takes no room.
    """
    limit = _limit(ledger, owner_id)
    if limit is None:
        return
    new = {
        sha256: size
        for sha256, size in contents.items()
        if not ledger.files.page(FileFilter(owner_id=owner_id, sha256=sha256), Page(limit=1))
    }
    if new and ledger.files.stored_bytes(owner_id) + sum(new.values()) > limit:
        raise EngineError(
            ErrorCode.LIMIT_REACHED,
            f"{limit} bytes may be stored, and this would go past that; delete something first.",
            retry_after_seconds=60.0,
        )


def with_room(outside: Outside, owner_id: str, sources: Sequence[BinaryIO]) -> Sequence[BinaryIO]:
    """The same sources, of which a store keeps nothing where there is no room for all of them.

    Several are read twice, and must be such that can be; one breaks off at its end. Raises EngineError(LIMIT_REACHED).
    """

    def check(contents: Mapping[str, int]) -> None:
        with outside.store.read() as ledger:
            check_room(ledger, owner_id, contents)

    with outside.store.read() as ledger:
        if _limit(ledger, owner_id) is None:
            return sources
    if len(sources) == 1:
        return [cast(BinaryIO, _Checked(sources[0], check))]
    check(dict(map(_measure, sources)))
    return sources


class _Checked:
    """A stream that ends only where there is room for it: a store keeps nothing of what breaks off."""

    def __init__(self, source: BinaryIO, check: Check) -> None:
        self._source = source
        self._check = check
        self._digest, self._size = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises EngineError(LIMIT_REACHED) instead of ending."""
        chunk = self._source.read(size)
        self._digest.update(chunk)
        self._size += len(chunk)
        if not chunk or size < 0:
            self._check({self._digest.hexdigest(): self._size})
        return chunk


def _measure(source: BinaryIO) -> tuple[str, int]:
    """Hash and size of what is left of a stream, which stays where it is."""
    digest, start = hashlib.sha256(), source.tell()
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
    size = source.tell() - start
    source.seek(start)
    return digest.hexdigest(), size


def _limit(ledger: Ledger, owner_id: str) -> int | None:
    owner = ledger.owners.fetch([owner_id]).get(owner_id)
    return owner.limits.stored_bytes if owner else None
