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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LEASE_SECONDS", "-4"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "nan"),
        ("GRACE_SECONDS", "inf"),
        ("GRACE_SECONDS", "-1"),
        ("RECORD_BATCH", "0"),
        ("UPLOAD_LIMIT_BYTES", "-1"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(EngineError) as caught:
        read_settings({f"JOBENGINE_{name}": text})
    assert caught.value.field == f"JOBENGINE_{name}"
    assert "cannot be meant" in caught.value.message


def test_zero_is_a_number_where_it_means_something() -> None:
    names = ("JOB_RETENTION_DAYS", "TASKS_PER_CHILD", "TASKS_PER_DELIVERY", "GRACE_SECONDS", "MESSAGE_GRACE_SECONDS")
    settings = read_settings({f"JOBENGINE_{name}": "0" for name in names})
    assert (settings.grace_seconds, settings.tasks_per_child) == (0, 0)


def test_the_level_of_the_log_is_read_in_either_case() -> None:
    assert read_settings({"JOBENGINE_LOG_LEVEL": "debug"}).log_level == "DEBUG"
    with pytest.raises(EngineError) as caught:
        read_settings({"JOBENGINE_LOG_LEVEL": "verbose"})
    assert caught.value.field == "JOBENGINE_LOG_LEVEL"


def test_an_address_of_redis_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(EngineError) as caught:
        RedisTransport(Settings(redis_url="localhost"), time.time)
    assert caught.value.field == "JOBENGINE_REDIS_URL"
