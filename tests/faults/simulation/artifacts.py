"""The artifact store: bytes in memory, and the same as an engine sees them, with calls that fail."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from jobengine.domain.errors import not_found
from jobengine.domain.interfaces.artifacts import StoredBytes
from tests.faults.simulation.clockwork import Clockwork
from tests.faults.simulation.ledger import Calls


class MemoryArtifacts:
    """Bytes by hash, with the time at which they were stored."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._contents: dict[str, tuple[bytes, float]] = {}

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream; again makes it young."""
        data = source.read()
        name = hashlib.sha256(data).hexdigest()
        self._contents[name] = (data, self._clockwork.now)
        return StoredBytes(name, len(data), self._clockwork.now)

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes."""
        if sha256 not in self._contents:
            raise not_found("artifact", sha256)
        data, _ = self._contents[sha256]
        return io.BytesIO(data[start : None if length is None else start + length])

    def stat(self, sha256: str) -> StoredBytes | None:
        """What is there."""
        found = self._contents.get(sha256)
        return None if found is None else StoredBytes(sha256, len(found[0]), found[1])

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove them."""
        return sum(self._contents.pop(name, None) is not None for name in sha256s)

    def entries(self) -> Iterator[StoredBytes]:
        """All that is there."""
        return iter([StoredBytes(name, len(data), at) for name, (data, at) in self._contents.items()])

    def check(self) -> None:
        """It is always there."""

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """None: nobody serves them."""
        return None


class FaultyArtifacts:
    """``ArtifactStore`` as one engine sees it."""

    def __init__(self, artifacts: MemoryArtifacts, calls: Calls) -> None:
        self._artifacts = artifacts
        self._calls = calls

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream; where that fails, perhaps it is stored all the same."""
        self._calls.before("put")
        stored = self._artifacts.put(source, limit_bytes=limit_bytes)
        self._calls.after("put")
        return stored

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes."""
        self._calls.before("open")
        return self._artifacts.open(sha256, start, length)

    def stat(self, sha256: str) -> StoredBytes | None:
        """What is there."""
        self._calls.before("stat")
        return self._artifacts.stat(sha256)

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove them."""
        self._calls.before("delete")
        deleted = self._artifacts.delete(sha256s, stored_before=stored_before)
        self._calls.after("delete")
        return deleted

    def entries(self) -> Iterator[StoredBytes]:
        """All that is there; the calls are made while it is read."""
        self._calls.before("entries")
        yield from self._artifacts.entries()

    def check(self) -> None:
        """It is always there."""

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """None: nobody serves them."""
        return None
