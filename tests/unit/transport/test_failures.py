"""What keeps Redis from its work is said in a sentence for people."""

from __future__ import annotations

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, OutOfMemoryError, TimeoutError

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.transport.failures import mapped_failures


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ConnectionError("Error 111 connecting to 127.0.0.1:1. Connection refused."),
            "Redis cannot be reached at 127.0.0.1:1: Connection refused.",
        ),
        (
            ConnectionError("Error -2 connecting to redis.lab:6379. Name or service not known."),
            "Redis cannot be reached at redis.lab:6379: Name or service not known.",
        ),
        (TimeoutError("Timeout reading from socket"), "Redis cannot be used: Timeout reading from socket."),
        (AuthenticationError("invalid password"), "Redis cannot be used: invalid password."),
        (OutOfMemoryError(), "Redis cannot be used: OutOfMemoryError."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_of_redis_is_one_sentence(error: Exception, sentence: str) -> None:
    with pytest.raises(EngineError) as caught, mapped_failures():
        raise error
    assert (caught.value.code, caught.value.message) == (ErrorCode.UNAVAILABLE, sentence)
    assert caught.value.__cause__ is error
