"""What each child of a worker is at, in memory that parent and children share.

A child writes its own row only, the parent reads all rows. A row has a version that is odd while it is being written,
so a reader never takes half of one for whole.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import struct
from dataclasses import dataclass

_ROW = struct.Struct("<QqdqI24s24s")
_ROWS = 1024
_EMPTY = b"\0" * 24


@dataclass(frozen=True, slots=True)
class Slot:
    """A child process and what it runs; ``deadline`` is seconds since 1970, 0 for none."""

    row: int
    process_id: int
    delivery_id: str | None = None
    task_id: str | None = None
    attempt: int = 0
    deadline: float = 0.0
    memory_limit_bytes: int | None = None


class SlotTable:
    """Made by the parent before it forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _ROW.size * _ROWS + 1)
        self._lock = multiprocessing.Lock()

    def take(self) -> Slot:
        """A free row for this process."""
        # A child that was killed while it held the lock must not keep all later ones from starting.
        is_held = self._lock.acquire(timeout=1.0)
        try:
            row = next(row for row in range(_ROWS) if self._read(row)[1] == 0)
            slot = Slot(row, os.getpid())
            self.write(slot)
            return slot
        finally:
            if is_held:
                self._lock.release()

    def write(self, slot: Slot) -> None:
        """Write a process' own row."""
        version = self._read(slot.row)[0]
        offset = slot.row * _ROW.size
        struct.pack_into("<Q", self._memory, offset, version | 1)
        _ROW.pack_into(
            self._memory,
            offset,
            version | 1,
            slot.process_id,
            slot.deadline,
            slot.memory_limit_bytes or 0,
            slot.attempt,
            (slot.delivery_id or "").encode(),
            (slot.task_id or "").encode(),
        )
        struct.pack_into("<Q", self._memory, offset, (version | 1) + 1)

    def free(self, slot: Slot) -> None:
        """Give a row back, once its process is gone."""
        self.write(Slot(slot.row, 0))

    @property
    def writes(self) -> int:
        """How often anything was written; as long as it stays, no child has begun or ended a task."""
        return sum(self._read(row)[0] for row in range(_ROWS))

    @property
    def is_stopping(self) -> bool:
        """Whether the worker was told to stop: no child begins another task."""
        return self._memory[_ROW.size * _ROWS] == 1

    def stop(self) -> None:
        """Let the children know."""
        self._memory[_ROW.size * _ROWS] = 1

    def all(self) -> list[Slot]:
        """The rows that a process has, but for those that are being written just now."""
        slots = []
        for row in range(_ROWS):
            first = self._read(row)
            if first[1] == 0 or first[0] % 2 or self._read(row) != first:
                continue
            _, process_id, deadline, memory, attempt, delivery_id, task_id = first
            slots.append(Slot(row, process_id, _text(delivery_id), _text(task_id), attempt, deadline, memory or None))
        return slots

    def _read(self, row: int) -> tuple[int, int, float, int, int, bytes, bytes]:
        found: tuple[int, int, float, int, int, bytes, bytes] = _ROW.unpack_from(self._memory, row * _ROW.size)
        return found


def _text(value: bytes) -> str | None:
    return None if value == _EMPTY else value.rstrip(b"\0").decode("ascii")
