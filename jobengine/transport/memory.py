"""The in-memory twin of the transport: the same promises, one process, a clock that is given.

Both ends are here: the engine's (``Transport``) and a worker's (``WorkerChannel``, and ``take`` for the next message).
What can go wrong with a broker can be done to it by hand: messages and tickets dropped, messages and reports repeated,
all of it emptied, or the whole thing made unreachable.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces import Clock, Received
from jobengine.domain.reports import (
    Delivery,
    Report,
    ReportKind,
    decode_delivery,
    decode_reports,
    encode_delivery,
    encode_reports,
)


@dataclass(slots=True)
class _Entry:
    """A report entry in the stream; ``is_read`` once an engine has it and has not acknowledged it."""

    text: str
    written_at: float
    is_read: bool = False


class MemoryTransport:
    """A broker in a few containers. Everything crosses it in its wire spelling, as it would cross Redis."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._messages: list[tuple[int, int, str]] = []
        self._deliveries: dict[str, Delivery] = {}
        self._tickets: set[str] = set()
        self._entries: dict[str, _Entry] = {}
        self._entry_numbers = itertools.count(1)
        self._canceled: set[str] = set()
        self.is_down = False

    # The engine's end.

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries, each with its ticket."""
        self.check()
        for delivery in deliveries:
            self._deliveries[delivery.id] = decode_delivery(encode_delivery(delivery))
            self._tickets.add(delivery.id)
            heapq.heappush(self._messages, (-delivery.priority, next(self._order), delivery.id))

    def withdraw(self, delivery_ids: Collection[str]) -> set[str]:
        """Take back the tickets that are still there."""
        self.check()
        taken = self._tickets.intersection(delivery_ids)
        self._tickets -= taken
        return taken

    def missing(self, delivery_ids: Collection[str]) -> set[str]:
        """Those without a ticket or without a message."""
        self.check()
        queued = {delivery_id for _, _, delivery_id in self._messages}
        return {name for name in delivery_ids if name not in self._tickets or name not in queued}

    def receive(self, limit: int, wait_seconds: float) -> list[Received]:
        """Entries that no engine has read yet; never waits, as nobody else could write meanwhile."""
        self.check()
        fresh = [(name, entry) for name, entry in self._entries.items() if not entry.is_read][:limit]
        for _, entry in fresh:
            entry.is_read = True
        return [Received(name, tuple(decode_reports(entry.text))) for name, entry in fresh]

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

    def announce_canceled(self, task_ids: Collection[str]) -> None:
        """Remember that nobody wants these tasks."""
        self.check()
        self._canceled.update(task_ids)

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

    def claim(self, delivery_id: str, worker: str) -> bool:
        """Take the ticket and write the claim, both or neither."""
        self.check()
        if delivery_id not in self._tickets:
            return False
        self._tickets.remove(delivery_id)
        self.report([Report(ReportKind.CLAIMED, worker, self._clock(), delivery_id)])
        return True

    def report(self, reports: Sequence[Report]) -> None:
        """Append one entry with these reports."""
        self.check()
        name = f"{next(self._entry_numbers):08d}"
        self._entries[name] = _Entry(encode_reports(reports), self._clock())

    def canceled(self, task_ids: Collection[str]) -> set[str]:
        """Those that nobody wants."""
        self.check()
        return self._canceled.intersection(task_ids)

    # What can go wrong.

    def lose_messages(self) -> int:
        """Drop every queued message and keep the tickets, as a broker does that loses a queue; how many."""
        lost = len(self._messages)
        self._messages.clear()
        return lost

    def repeat_messages(self) -> None:
        """Queue every message once more, as a broker does that redelivers."""
        for priority, _, delivery_id in list(self._messages):
            heapq.heappush(self._messages, (priority, next(self._order), delivery_id))

    def reread_reports(self) -> None:
        """Hand out again what was read and not acknowledged, as after an engine that died."""
        for entry in self._entries.values():
            entry.is_read = False

    def lose_everything(self) -> None:
        """Empty it: messages, tickets, reports and cancellations."""
        self._messages.clear()
        self._tickets.clear()
        self._entries.clear()
        self._canceled.clear()
