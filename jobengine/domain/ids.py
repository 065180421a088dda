"""Identity: 24 hexadecimal digits, ordered by creation, with a reversible UUID spelling.

An ID is 96 bits: 48 bits of milliseconds since 1970 and 48 bits that start at random in each
millisecond and then count up, so that IDs of one process never tie and never go backwards, also
when the clock does. The UUID spelling is version 8 (RFC 9562, section 5.8): the same 96 bits around the
six bits that mark version and variant, and 26 bits that are zero.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable

from jobengine.domain.errors import invalid

_PATTERN = re.compile(r"[0-9a-f]{24}", re.ASCII)
_COUNTER_BITS = 48
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1
# Half the range is left free above a random start, so that counting up cannot overflow in practice.
_START_MASK = _COUNTER_MASK >> 1
_LEAP_BITS = 46


class IdSource:
    """Makes IDs from a clock (seconds since 1970) and a source of random bits."""

    def __init__(self, now: Callable[[], float], random_bits: Callable[[int], int]) -> None:
        self._now = now
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        """The next ID: greater than every ID that this source made before."""
        with self._lock:
            milliseconds = int(self._now() * 1000)
            if milliseconds > self._last >> _COUNTER_BITS:
                self._last = (milliseconds << _COUNTER_BITS) | (self._random_bits(48) & _START_MASK)
            else:
                self._last += 1
            return f"{self._last:024x}"

    def pass_by(self, identifier: str) -> None:
        """Make every later ID greater than this one, which another process made, perhaps by a clock that is ahead."""
        with self._lock:
            if int(identifier, 16) > self._last:
                # The other process counts up from there as well: a leap keeps the two apart.
                self._last = int(identifier, 16) + self._random_bits(_LEAP_BITS)


def is_id(text: str) -> bool:
    """Whether the whole text is an ID in its plain spelling."""
    return _PATTERN.fullmatch(text) is not None


def parse_id(text: object, field: str = "id") -> str:
    """The plain spelling of an ID given plain (either case) or as a UUID; anything else is refused.

    Raises EngineError(INVALID) for every other text and type.
    """
    if isinstance(text, str):
        if is_id(text.lower()) and text.isascii():
            return text.lower()
        if len(text) == 36:
            return _from_uuid_text(text, field)
    raise invalid("An ID has exactly 24 hexadecimal digits, or is such an ID spelled as a UUID.", field)


def to_uuid(identifier: str) -> str:
    """The UUID spelling of an ID."""
    bits = int(identifier, 16)
    high, middle, low = bits >> 48, (bits >> 36) & 0xFFF, bits & 0xFFFFFFFFF
    return str(uuid.UUID(int=(high << 80) | (8 << 76) | (middle << 64) | (0b10 << 62) | low))


def from_uuid(text: str) -> str:
    """The plain spelling of an ID's UUID spelling; raises EngineError(INVALID) for other UUIDs."""
    return _from_uuid_text(text, "id")


def _from_uuid_text(text: str, field: str) -> str:
    refusal = invalid("This UUID is not the spelling of an ID of this system.", field)
    try:
        bits = uuid.UUID(text).int
    except ValueError:
        raise refusal from None
    low = bits & ((1 << 62) - 1)
    identifier = f"{(bits >> 80) << 48 | ((bits >> 64) & 0xFFF) << 36 | (low & 0xFFFFFFFFF):024x}"
    if to_uuid(identifier) != text.lower():
        raise refusal
    return identifier
