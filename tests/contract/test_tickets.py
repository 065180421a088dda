"""Tickets of every transport: there until they are claimed or withdrawn, and as old as their delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobengine.config import Settings
from jobengine.domain.interfaces import Transport
from jobengine.domain.reports import Delivery
from jobengine.transport.memory import MemoryTransport
from jobengine.transport.redis_transport import RedisTransport
from tests.servers import RedisServer, free_port, wait_until


@pytest.fixture(params=["redis", "memory"])
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    """A transport with nothing in it."""
    if request.param == "memory":
        yield MemoryTransport(time.time)
        return
    server = RedisServer(tmp_path, free_port())
    server.start()
    yield RedisTransport(Settings(redis_url=server.url), time.time)
    server.kill()


def make_delivery(identifier: str) -> Delivery:
    """A delivery without tasks."""
    return Delivery(identifier, "test.noop", "1", "default", 5, 60.0, None, ())


def test_tickets_are_listed_by_age_until_they_are_withdrawn(transport: Transport) -> None:
    assert transport.tickets(0.0) == set()
    transport.send([make_delivery("a" * 24), make_delivery("b" * 24)])
    assert transport.tickets(60.0) == set()
    wait_until(lambda: transport.tickets(0.5) == {"a" * 24, "b" * 24}, 10.0, "the age of the tickets")
    assert transport.withdraw(["a" * 24]) == {"a" * 24}
    assert transport.tickets(0.5) == {"b" * 24}
    assert transport.missing(["a" * 24, "b" * 24]) == {"a" * 24}
