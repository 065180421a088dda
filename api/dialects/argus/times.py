"""Times as clients of SampleDB write them: epoch milliseconds, ISO 8601, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from jobengine.domain.errors import invalid

_RELATIVE = re.compile(r"-\s?(\d{1,6})\s?(second|minute|hour|day|week|s|m|h|d|w)s?", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LATEST = 10**14


def parse_time(value: Any, field: str, now: float) -> float | None:
    """Seconds since 1970; None for nothing. Raises EngineError(INVALID) for what is no time."""
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LATEST:
        return float(value) / 1000
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) < 15:
            return int(value) / 1000
        if found := _RELATIVE.fullmatch(value.strip()):
            return now - int(found[1]) * _SECONDS[found[2][0].lower()]
        try:
            given = datetime.fromisoformat(value)
            return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise invalid("Give milliseconds since 1970, a time like 2024-01-31T12:00:00Z, or one like '-2 hours'.", field)
