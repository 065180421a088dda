"""The transports: one suite on Redis and on its twin in memory, from both ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from jobengine.config import Settings
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.transport import Received, Transport, WorkerChannel
from jobengine.domain.reports import Delivery, DeliveryTask, Report, ReportKind
from jobengine.transport.memory import MemoryTransport
from jobengine.transport.redis_transport import RedisTransport
from jobengine.transport.worker_channel import RedisWorkerChannel
from tests.servers import RedisServer, free_port, wait_until

ONE, TWO = "a" * 24, "b" * 24
TASK = "c" * 24
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ends:
    """The engine's end, that of another engine, and the worker's."""

    engine: Transport
    other: Transport
    worker: WorkerChannel


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests, each under a prefix of its own."""
    redis = RedisServer(tmp_path_factory.mktemp("redis"), free_port())
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(params=["redis", "memory"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    """A transport with nothing in it."""
    if request.param == "memory":
        memory = MemoryTransport(time.time)
        return Ends(memory, memory, memory)
    server: RedisServer = request.getfixturevalue("server")
    settings = Settings(redis_url=server.url, redis_prefix=tmp_path.name)
    engines = (RedisTransport(settings, time.time) for _ in range(2))
    return Ends(*engines, RedisWorkerChannel(settings, time.time))


def make_delivery(identifier: str) -> Delivery:
    """A delivery of one task."""
    task = DeliveryTask(TASK, 1, "d" * 24, {}, (), ())
    return Delivery(identifier, "test.noop", "1", "default", 5, 60.0, None, (task,))


def make_report(kind: ReportKind, number: int = 0) -> Report:
    """A report on the task, with a number to know it by."""
    return Report(kind, "worker@host", 1000.0, ONE, TASK, 1, {"number": number})


def receive(transport: Transport, count: int) -> list[Received]:
    """So many entries, however many reads they take."""
    found: list[Received] = []

    def has_all() -> bool:
        found.extend(transport.receive(100, 0.1))
        return len(found) >= count

    wait_until(has_all, PATIENCE_SECONDS, "the entries")
    assert len(found) == count
    return found


def test_tickets_are_listed_by_age_until_they_are_withdrawn(ends: Ends) -> None:
    engine = ends.engine
    assert engine.tickets(0.0) == set()
    engine.send([make_delivery(ONE), make_delivery(TWO)])
    assert engine.tickets(60.0) == set()
    wait_until(lambda: engine.tickets(0.5) == {ONE, TWO}, 10.0, "the age of the tickets")
    assert engine.withdraw([ONE]) == {ONE}
    assert engine.withdraw([ONE]) == set()
    assert engine.tickets(0.5) == {TWO}
    assert engine.missing([ONE, TWO]) == {ONE}


def test_one_worker_gets_a_delivery_and_says_so_with_the_claim(ends: Ends) -> None:
    ends.engine.send([make_delivery(ONE)])
    assert ends.worker.claim(ONE, "first") == set()
    assert ends.worker.claim(ONE, "second") is None
    (entry,) = receive(ends.engine, 1)
    assert [(report.kind, report.worker, report.delivery_id) for report in entry.reports] == [
        (ReportKind.CLAIMED, "first", ONE)
    ]


def test_nobody_gets_a_delivery_that_was_withdrawn_or_never_sent(ends: Ends) -> None:
    ends.engine.send([make_delivery(ONE)])
    ends.engine.withdraw([ONE])
    assert ends.worker.claim(ONE, "late") is None
    assert ends.worker.claim(TWO, "dreamer") is None
    assert ends.engine.receive(10, 0.0) == []


def test_reports_come_whole_and_in_order(ends: Ends) -> None:
    sent = [make_report(ReportKind.LOGGED, number) for number in range(5)]
    ends.worker.report(sent[:3])
    ends.worker.report(sent[3:])
    entries = receive(ends.engine, 2)
    assert [report for entry in entries for report in entry.reports] == sent


@pytest.mark.thorough
def test_what_is_not_acknowledged_comes_again_to_another_engine(ends: Ends) -> None:
    ends.worker.report([make_report(ReportKind.STARTED)])
    (entry,) = receive(ends.engine, 1)
    assert ends.other.receive(10, 0.0) == []
    again = receive(ends.other, 1)
    assert again == [entry]
    ends.other.acknowledge([entry.entry_id])
    assert ends.engine.backlog() == 0


def test_the_backlog_is_what_waits_to_be_acknowledged_and_how_old_that_is(ends: Ends) -> None:
    assert (ends.engine.backlog(), ends.engine.backlog_seconds()) == (0, 0.0)
    ends.worker.report([make_report(ReportKind.STARTED)])
    ends.worker.report([make_report(ReportKind.SUCCEEDED)])
    assert ends.engine.backlog() == 2
    first, second = receive(ends.engine, 2)
    wait_until(lambda: ends.engine.backlog_seconds() > 0.2, 10.0, "the age of the backlog")
    ends.engine.acknowledge([first.entry_id])
    assert ends.engine.backlog() == 1
    ends.engine.acknowledge([second.entry_id])
    ends.engine.acknowledge([second.entry_id])
    assert (ends.engine.backlog(), ends.engine.backlog_seconds()) == (0, 0.0)


def test_a_word_of_cancellation_is_for_one_attempt(ends: Ends) -> None:
    attempts = [(TASK, 1), (TASK, 2), (ONE, 1)]
    assert ends.worker.canceled(attempts) == set()
    ends.engine.announce_canceled([(TASK, 1)])
    assert ends.worker.canceled(attempts) == {(TASK, 1)}
    assert ends.worker.canceled([]) == set()


def test_who_claims_a_delivery_learns_what_of_it_nobody_wants(ends: Ends) -> None:
    attempts = [(TASK, 1), (TASK, 2), (ONE, 1)]
    ends.engine.send([make_delivery(ONE)])
    ends.engine.announce_canceled([(TASK, 2)])
    assert ends.worker.claim(ONE, "first", attempts) == {(TASK, 2)}
    assert ends.worker.claim(ONE, "second", attempts) is None


def test_a_full_redis_is_not_well_and_still_gives_what_it_has(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, free_port())
    server.start()
    transport = RedisTransport(Settings(redis_url=server.url), time.time)
    transport.send([make_delivery(ONE)])
    with Redis.from_url(server.url) as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)
        with pytest.raises(EngineError, match="maxmemory") as refusal:
            transport.check()
        assert refusal.value.code is ErrorCode.UNAVAILABLE
        assert transport.withdraw([ONE]) == {ONE}
        redis.config_set("maxmemory", 0)
        transport.check()
    server.kill()
