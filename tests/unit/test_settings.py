"""Settings that cannot be meant are refused by the name of their variable."""

from __future__ import annotations

import time

import pytest

from jobengine.config import Settings, read_settings
from jobengine.domain.errors import EngineError
from jobengine.transport.redis_transport import RedisTransport


def test_settings_are_read_with_their_types() -> None:
    settings = read_settings({"JOBENGINE_LEASE_SECONDS": "2.5", "JOBENGINE_RECORD_BATCH": "7", "OTHER": "x"})
    assert (settings.lease_seconds, settings.record_batch, settings.redis_prefix) == (2.5, 7, "jobengine")


def test_a_number_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(EngineError) as caught:
        read_settings({"JOBENGINE_RECORD_BATCH": "many"})
    assert caught.value.field == "JOBENGINE_RECORD_BATCH"


def test_an_address_of_redis_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(EngineError) as caught:
        RedisTransport(Settings(redis_url="localhost"), time.time)
    assert caught.value.field == "JOBENGINE_REDIS_URL"
