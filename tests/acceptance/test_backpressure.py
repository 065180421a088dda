"""Redis is full or down: submissions go on. The ledger is down: clients are told to come again, and all recovers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from tests.acceptance.lab import Lab, running_lab
from tests.contract.ledgers import ON_POSTGRESQL
from tests.faults.chaos.system import ChaosSystem
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance


@contextmanager
def full_redis(system: ChaosSystem) -> Iterator[None]:
    """Redis has no memory left, and throws nothing away."""
    with Redis.from_url(system.redis.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        with pytest.raises(OutOfMemoryError):
            client.set("probe", "x")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def stopped_redis(system: ChaosSystem) -> Iterator[None]:
    """There is no Redis."""
    system.redis.kill()
    yield
    system.redis.start()


@pytest.mark.parametrize("without_redis", [full_redis, stopped_redis])
def test_submissions_go_on_without_redis_and_end_when_it_is_back(
    tmp_path: Path, without_redis: Callable[[ChaosSystem], AbstractContextManager[None]]
) -> None:
    with running_lab(tmp_path, "sqlite") as lab:
        file_ids = lab.upload()
        before = lab.submit("chaos-long", file_ids[:2])
        lab.wait_for("running", before)
        began = lab.process_ids()
        with without_redis(lab.system):
            wait_until(lambda: "the dispatcher waits" in engine_log(lab), 30, "an engine that waits")
            later = [lab.submit("chaos-short", lab.upload()[:5]) for _ in range(3)]
            unwanted = lab.submit("chaos-long", file_ids[:2])
            canceled = lab.http.post(f"/api/v1/jobs/{unwanted}/cancel")
            assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
            assert [lab.job(job_id)["state"] for job_id in later] == ["pending"] * 3
            health = lab.http.get("/health/ready")
            assert (health.status_code, health.json()["dependencies"]["ledger"]) == (200, "ok")
            assert health.json()["dependencies"]["redis"] != "ok"
            assert "jobengine_redis_up 0.0" in lab.http.get("/metrics").text
        lab.wait_for("succeeded", before, *later)
        assert lab.job(unwanted)["state"] == "canceled"
        assert lab.process_ids() == began
        wait_until(lambda: lab.parts.engine.audit(with_hashes=True) == [], 30, "a clean audit")


def engine_log(lab: Lab) -> str:
    """What the first engine wrote."""
    return (lab.system.folder / "engine1.log").read_text(errors="replace")


@pytest.mark.parametrize("ledger", ON_POSTGRESQL)
def test_without_the_ledger_clients_are_told_when_to_come_again_and_all_recovers(tmp_path: Path, ledger: str) -> None:
    with running_lab(tmp_path, ledger) as lab:
        file_ids = lab.upload()
        before = lab.submit("chaos-long", file_ids[:2])
        lab.wait_for("running", before)
        began = lab.process_ids()
        assert lab.system.postgresql is not None
        lab.system.postgresql.stop()
        body = {"pipeline": "chaos-short", "files": file_ids[:5]}
        told = [
            lab.http.post("/api/v1/jobs", json=body),
            lab.http.get("/api/v1/jobs"),
            lab.http.get(f"/api/v1/jobs/{before}"),
            lab.http.post(f"/api/v1/jobs/{before}/cancel"),
            lab.http.post("/api/v1/files", files=[("files", ("late.bin", b"late"))]),
            lab.http.get(f"/api/v1/jobs/{before}/explain"),
        ]
        for answer in told:
            assert_comes_again(answer)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (answer.json()["status"], answer.json()["code"]) == (503, "unavailable")
        assert_comes_again(lab.http.get("/api/external/analysis-jobs", headers={"X-API-KEY": lab.key}))
        assert_comes_again(lab.http.get("/sampledb/v2/job", headers={"Argus-API-Key": lab.key}))
        assert_comes_again(lab.http.get("/jobs/", headers={"apitoken": lab.key, "username": "lab"}))
        assert lab.http.get("/health/live").status_code == 200
        assert lab.http.get("/health/ready").status_code == 503
        assert "jobengine_ledger_up 0.0" in lab.http.get("/metrics").text
        lab.system.postgresql.start()
        wait_until(lambda: lab.http.get("/health/ready").status_code == 200, 30, "the ledger")
        after = lab.submit("chaos-short", file_ids[:5])
        lab.wait_for("succeeded", before, after)
        assert lab.process_ids() == began
        wait_until(lambda: lab.parts.engine.audit(with_hashes=True) == [], 30, "a clean audit")


def assert_comes_again(answer: httpx.Response) -> None:
    """The service is away for now, and says when to ask again."""
    assert answer.status_code == 503, (answer.request.url, answer.status_code, answer.text)
    assert 1 <= int(answer.headers["Retry-After"]) <= 10, answer.request.url
