"""The artifact store: bytes by SHA-256."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """What the artifact store keeps under a hash."""

    sha256: str
    size_bytes: int
    stored_at: float = 0.0


class ArtifactStore(Protocol):
    """Bytes by SHA-256. Streams both ways; nothing is ever whole in memory, nothing half written is ever seen."""

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream to its end.

        Raises EngineError(TOO_LARGE) past the limit, EngineError(UNAVAILABLE) when the disk is full.
        """

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes from ``start``; raises EngineError(NOT_FOUND)."""

    def stat(self, sha256: str) -> StoredBytes | None: ...

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove what is there of these and was stored before a time; how many that was."""

    def entries(self) -> Iterator[StoredBytes]:
        """Everything there is; for the pruner and the check."""

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless bytes could be stored now; soon, as probes ask."""

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """An address that serves the bytes without the API; None where the store has no such thing."""
