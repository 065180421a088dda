"""Deliveries out, reports in: the end of the engine, and the end of a worker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobengine.domain.reports import Delivery, Report

AttemptKey = tuple[str, int]
"""One attempt: the ID of its task, and its number."""


@dataclass(frozen=True, slots=True)
class Received:
    """Reports that arrived together, under the name by which they are acknowledged."""

    entry_id: str
    reports: tuple[Report, ...]


class Transport(Protocol):
    """Deliveries out, reports in: the engine's end. Every method raises EngineError(UNAVAILABLE) when it is down."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries to the workers' queues, each with the ticket by which one worker may claim it."""

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Take back tickets nobody has claimed; the deliveries that will now never be run."""

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """Those deliveries that no worker will ever run: no ticket, or a ticket and no message on its way."""

    def tickets(self, older_than_seconds: float) -> set[str]:
        """Deliveries that were sent longer ago than this, and whose tickets are still there."""

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """Up to ``limit`` entries, also such as an engine that died left unacknowledged; empty after the wait."""

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """These entries are in the ledger."""

    def backlog(self) -> int:
        """How many entries wait to be acknowledged."""

    def backlog_seconds(self) -> float:
        """How old the oldest entry is that waits to be acknowledged; 0 when none does."""

    def announce_canceled(self, attempts: Collection[AttemptKey]) -> None:
        """Let the workers know that nobody wants these attempts any more; later ones of the same tasks go on."""

    def check(self) -> None: ...


class WorkerChannel(Protocol):
    """Deliveries in, reports out: the worker's end."""

    def claim(self, delivery_id: str, worker: str, attempts: Collection[AttemptKey] = ()) -> set[AttemptKey] | None:
        """Take the ticket and report the claim, both or neither; None when the delivery is not ours to run.

        Otherwise those of these attempts that nobody wants any more.
        """

    def has_waiting(self, queues: Sequence[str]) -> bool:
        """Whether a message waits in one of these queues of the broker; False while nobody can say."""

    def report(self, reports: Sequence[Report]) -> None:
        """Append reports in one entry, in order; raises EngineError(UNAVAILABLE), and is tried again by who called."""

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """Those of these attempts that nobody wants any more."""
