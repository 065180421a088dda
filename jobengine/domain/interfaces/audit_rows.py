"""What the audit reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from jobengine.domain.audit import Difference, JobFold, NamedBytes, WaitingNode


class AuditRows(Protocol):
    """What contradicts itself in the ledger, and what the audit compares with the rest of the world."""

    def contradictions(self, lease_floor: float, most: int) -> Iterator[Difference]:
        """Rows that contradict other rows, up to ``most`` of each kind; leases must last beyond ``lease_floor``."""

    def folds(self, after_id: str, limit: int) -> list[JobFold]:
        """The next jobs by ID, each with what its tasks add up to."""

    def waiting_nodes(self) -> list[WaitingNode]:
        """Where tasks wait on others."""

    def miscounted(self, place: WaitingNode, before: Sequence[str], most: int) -> list[Difference]:
        """Waiting tasks of a node whose counts are not those of the tasks at the nodes ``before`` it."""

    def named_bytes(self, kind: str, after_sha256: str, limit: int) -> list[NamedBytes]:
        """The next contents by hash that rows of a kind (``file`` or ``artifact``) name."""

    def is_named(self, sha256: str) -> bool:
        """Whether any file or artifact names the content."""
