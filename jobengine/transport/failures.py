"""What Redis and kombu raise, as the one error that the engine knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import RedisError

from jobengine.domain.errors import EngineError, ErrorCode


@contextmanager
def mapped_failures() -> Iterator[None]:
    """Raise EngineError(UNAVAILABLE) for whatever keeps Redis from doing what it was asked."""
    try:
        yield
    except (RedisError, BatchPublishError, OperationalError, OSError) as error:
        raise EngineError(ErrorCode.UNAVAILABLE, _sentence(error), retry_after_seconds=2.0) from error


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".") or type(error).__name__
    refused = re.fullmatch(r"Error -?\d+ connecting to (\S+)\. (.+)", text)
    if refused:
        return f"Redis cannot be reached at {refused[1]}: {refused[2]}."
    return f"Redis cannot be used: {text}."
