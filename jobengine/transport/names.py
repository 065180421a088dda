"""What things are called in Redis; everything begins with the prefix of the installation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GROUP = "engine"
"""The consumer group of the engines on the report stream."""

PRIORITIES = range(10)
"""Steps of priority in a queue. In Redis 0 goes first, so ours are turned around."""

FIELD = b"reports"
"""The field of a stream entry that holds the reports."""

_PRIORITY_SEPARATOR = "\x06\x16"


@dataclass(frozen=True, slots=True)
class Names:
    """The names under one prefix."""

    prefix: str

    @property
    def reports(self) -> str:
        """The report stream."""
        return f"{self.prefix}:reports"

    @property
    def rejected(self) -> str:
        """Entries that could not be read, for people to look at."""
        return f"{self.prefix}:reports:rejected"

    @property
    def probe(self) -> str:
        """The key that is written to see whether anything can be."""
        return f"{self.prefix}:probe"

    def ticket(self, delivery_id: str) -> str:
        """The key by which one worker may claim the delivery."""
        return f"{self.prefix}:ticket:{delivery_id}"

    def canceled(self, task_id: str, attempt: int) -> str:
        """The key that says that nobody wants the attempt; later ones of the same task are not meant."""
        return f"{self.prefix}:canceled:{task_id}:{attempt}"

    def queue(self, queue: str) -> str:
        """The Celery queue."""
        return f"{self.prefix}.{queue}"

    def queues_among(self, celery_queues: Iterable[str]) -> list[str]:
        """Our names of those Celery queues that are ours."""
        prefix = self.queue("")
        return [name.removeprefix(prefix) for name in celery_queues if name.startswith(prefix)]

    def lists(self, queue: str) -> list[str]:
        """The Redis lists in which kombu keeps the messages of a queue, one per priority."""
        return lists_of(self.queue(queue))


def lists_of(queue: str) -> list[str]:
    """The Redis lists of a Celery queue, one per priority."""
    return [queue, *(f"{queue}{_PRIORITY_SEPARATOR}{priority}" for priority in PRIORITIES if priority)]


def broker_priority(priority: int) -> int:
    """Our priority (9 first) as the broker's (0 first)."""
    return max(0, min(9, 9 - priority))
