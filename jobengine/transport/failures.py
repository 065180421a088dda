"""What Redis and kombu raise, as the one error that the engine knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from jobengine.domain.errors import EngineError, ErrorCode


@contextmanager
def mapped_failures() -> Iterator[None]:
    """Raise EngineError(UNAVAILABLE) for whatever keeps Redis from doing what it was asked."""
    try:
        yield
    except (RedisError, OperationalError, OSError) as error:
        raise EngineError(
            ErrorCode.UNAVAILABLE, f"Redis does not do what it should: {error}.", retry_after_seconds=2.0
        ) from error
