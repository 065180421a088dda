"""What each child of a worker is at, in memory that parent and children share.

A child writes its own row only, the parent reads all rows. A row has a version that is odd while it is being written,
so a reader never takes half of one for whole. Beside each row is a note that only the parent writes: which attempt
nobody wants any more.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import struct
from typing import NamedTuple

_ROW = struct.Struct("<QqdqqI24s24s")
_NOTE = struct.Struct("<I24s")
_ROWS = 1024
_NOTES_AT = _ROW.size * _ROWS
_STOP_AT = _NOTES_AT + _NOTE.size * _ROWS
_EMPTY = b"\0" * 24

_Fields = tuple[int, int, float, int, int, int, bytes, bytes]


class Slot(NamedTuple):
    """A child process and what it runs.

    ``deadline`` is by the monotonic clock, which all processes of a machine share and nobody sets; 0 for none.
    ``leftover_bytes`` is memory that earlier tasks left in the process, for which this one is not to blame.
    """

    row: int
    process_id: int
    delivery_id: str | None = None
    task_id: str | None = None
    attempt: int = 0
    deadline: float = 0.0
    memory_limit_bytes: int | None = None
    leftover_bytes: int = 0


class SlotTable:
    """Made by the parent before it forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _STOP_AT + 1)
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
            slot.leftover_bytes,
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
        return self._memory[_STOP_AT] == 1

    def stop(self) -> None:
        """Let the children know."""
        self._memory[_STOP_AT] = 1

    def note_canceled(self, slot: Slot) -> None:
        """Let the child know that nobody wants the attempt that it runs."""
        offset = _NOTES_AT + slot.row * _NOTE.size
        _NOTE.pack_into(self._memory, offset, slot.attempt, (slot.task_id or "").encode())

    def is_canceled(self, row: int, task_id: str, attempt: int) -> bool:
        """Whether nobody wants the attempt, as far as the parent has heard."""
        noted: tuple[int, bytes] = _NOTE.unpack_from(self._memory, _NOTES_AT + row * _NOTE.size)
        return noted == (attempt, task_id.encode().ljust(24, b"\0"))

    def all(self) -> list[Slot]:
        """The rows that a process has, but for those that are being written just now."""
        return [slot for row in range(_ROWS) if (slot := self.at(row)) is not None]

    def at(self, row: int) -> Slot | None:
        """One row; None when nobody has it, or it is being written just now."""
        first = self._read(row)
        if first[1] == 0 or first[0] % 2 or self._read(row) != first:
            return None
        _, process_id, deadline, memory, leftover, attempt, delivery_id, task_id = first
        return Slot(row, process_id, _text(delivery_id), _text(task_id), attempt, deadline, memory or None, leftover)

    def _read(self, row: int) -> _Fields:
        found: _Fields = _ROW.unpack_from(self._memory, row * _ROW.size)
        return found


def _text(value: bytes) -> str | None:
    return None if value == _EMPTY else value.rstrip(b"\0").decode("ascii")
