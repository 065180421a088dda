"""The in-memory twin of the transport: the same promises, one process, a clock that is given.

Both ends are here: the engine's (``Transport``) and a worker's (``WorkerChannel``, and ``take`` for the next message).
What can go wrong with a broker can be done to it by hand: messages and tickets dropped, messages and reports repeated,
all of it emptied or set back, or the whole thing made unreachable.
"""

from __future__ import annotations

import copy
import heapq
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.transport import AttemptKey, Received
from jobengine.domain.reports import (
    Delivery,
    Report,
    ReportKind,
    decode_delivery,
    decode_reports,
    encode_delivery,
    encode_reports,
)

TAKE_OVER_SECONDS = 5.0
"""How long an engine may have an entry before another one takes it over."""


@dataclass(slots=True)
class _Entry:
    """A report entry in the stream; ``read_at`` is set while an engine has it and has not acknowledged it."""

    text: str
    written_at: float
    read_at: float | None = None


class MemoryTransport:
    """A broker in a few containers. Everything crosses it in its wire spelling, as it would cross Redis."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._messages: list[tuple[int, int, str]] = []
        self._deliveries: dict[str, Delivery] = {}
        self._tickets: dict[str, float] = {}
        self._entries: dict[str, _Entry] = {}
        self._entry_numbers = itertools.count(1)
        self._canceled: set[AttemptKey] = set()
        self._remembered: tuple[Any, ...] = ([], {}, {}, set())
        self.is_down = False

    # The engine's end.

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries, each with its ticket."""
        self.check()
        for delivery in deliveries:
            self._deliveries[delivery.id] = decode_delivery(encode_delivery(delivery))
            self._tickets[delivery.id] = self._clock()
            heapq.heappush(self._messages, (-delivery.priority, next(self._order), delivery.id))

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Take back the tickets that are still there."""
        self.check()
        taken = self._tickets.keys() & delivery_ids
        self.lose_tickets(taken)
        return taken

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """Those without a ticket or without a message."""
        self.check()
        queued = {delivery_id for _, _, delivery_id in self._messages}
        return {name for name in delivery_ids if name not in self._tickets or name not in queued}

    def tickets(self, older_than_seconds: float) -> set[str]:
        """Those that were made longer ago."""
        self.check()
        return {name for name, made_at in self._tickets.items() if self._clock() - made_at > older_than_seconds}

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """Entries that no engine has read, or that one has had for long; never waits: nobody could write meanwhile."""
        self.check()
        now = self._clock()
        due = [(name, entry) for name, entry in self._entries.items() if _is_free(entry, now)][:limit]
        for _, entry in due:
            entry.read_at = now
        return [Received(name, tuple(decode_reports(entry.text))) for name, entry in due]

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """Forget these entries."""
        self.check()
        for name in entry_ids:
            self._entries.pop(name, None)

    def backlog(self) -> int:
        """How many entries are there."""
        self.check()
        return len(self._entries)

    def backlog_seconds(self) -> float:
        """The age of the oldest entry."""
        self.check()
        written = [entry.written_at for entry in self._entries.values()]
        return max(0.0, self._clock() - min(written)) if written else 0.0

    def announce_canceled(self, attempts: Collection[AttemptKey]) -> None:
        """Remember that nobody wants these attempts."""
        self.check()
        self._canceled.update(attempts)

    def check(self) -> None:
        """Raises EngineError(UNAVAILABLE) while ``is_down``."""
        if self.is_down:
            raise EngineError(ErrorCode.UNAVAILABLE, "The transport is down.", retry_after_seconds=1.0)

    # A worker's end.

    def take(self) -> Delivery | None:
        """The next message, highest priority first; it is gone from the queue then, its ticket is not."""
        self.check()
        if not self._messages:
            return None
        _, _, delivery_id = heapq.heappop(self._messages)
        return self._deliveries[delivery_id]

    def claim(self, delivery_id: str, worker: str, attempts: Collection[AttemptKey] = ()) -> set[AttemptKey] | None:
        """Take the ticket and write the claim, both or neither."""
        self.check()
        if delivery_id not in self._tickets:
            return None
        del self._tickets[delivery_id]
        self.report([Report(ReportKind.CLAIMED, worker, self._clock(), delivery_id)])
        return self.canceled(attempts)

    def report(self, reports: Sequence[Report]) -> None:
        """Append one entry with these reports."""
        self.check()
        name = f"{next(self._entry_numbers):08d}"
        self._entries[name] = _Entry(encode_reports(reports), self._clock())

    def canceled(self, attempts: Collection[AttemptKey]) -> set[AttemptKey]:
        """Those that nobody wants."""
        self.check()
        return self._canceled.intersection(attempts)

    def has_waiting(self, queues: Sequence[str]) -> bool:
        """Whether a message is there; the twin has one queue for all."""
        return bool(self._messages)

    # What can go wrong.

    def lose_messages(self, delivery_ids: Collection[str] | None = None) -> int:
        """Drop queued messages and keep their tickets, as a broker does that loses a queue; how many."""
        kept = [entry for entry in self._messages if delivery_ids is not None and entry[2] not in delivery_ids]
        lost = len(self._messages) - len(kept)
        self._messages = kept
        heapq.heapify(kept)
        return lost

    def lose_tickets(self, delivery_ids: Collection[str]) -> None:
        """Drop tickets and keep the messages."""
        for delivery_id in delivery_ids:
            self._tickets.pop(delivery_id, None)

    def repeat_messages(self, delivery_ids: Collection[str] | None = None) -> None:
        """Queue messages once more, as a broker does that redelivers."""
        for priority, _, delivery_id in list(self._messages):
            if delivery_ids is None or delivery_id in delivery_ids:
                heapq.heappush(self._messages, (priority, next(self._order), delivery_id))

    def reread_reports(self) -> None:
        """Hand out again what was read and not acknowledged, as after an engine that died."""
        for entry in self._entries.values():
            entry.read_at = None

    def lose_everything(self) -> None:
        """Empty it: messages, tickets, reports and cancellations."""
        self._restore(([], {}, {}, set()))

    def remember(self) -> None:
        """Keep what it holds, as Redis does on its disk."""
        self._remembered = copy.deepcopy((self._messages, self._tickets, self._entries, self._canceled))

    def roll_back(self) -> None:
        """Hold again what was remembered: what was written since is lost, what was removed since is back."""
        self._restore(self._remembered)

    def _restore(self, held: tuple[Any, ...]) -> None:
        self._messages, self._tickets, self._entries, self._canceled = copy.deepcopy(held)


def _is_free(entry: _Entry, now: float) -> bool:
    return entry.read_at is None or abs(now - entry.read_at) >= TAKE_OVER_SECONDS
