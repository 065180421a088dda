"""What strangers and owners learn of the system: what is away, but neither where it would be nor why."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from tests.api.conftest import MakeClient
from tests.api.test_native import submit
from tests.unit.engine.world import World

AWAY = {
    "ledger": "The ledger cannot be reached: no server at db.lab:5432.",
    "redis": "Redis cannot be reached: Error 111 connecting to redis.lab:6379.",
    "artifacts": "The artifact store cannot be used: no bucket at s3.lab.",
}


@pytest.mark.parametrize("name", AWAY)
def test_strangers_read_what_is_away_and_the_log_says_where(
    world: World,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    nobody = make_client(None)
    assert nobody.get("/health/ready").json["dependencies"] == dict.fromkeys(AWAY, "ok")
    adapter = {"ledger": world.store, "redis": world.transport, "artifacts": world.artifacts}[name]
    monkeypatch.setattr(adapter, "check", Mock(side_effect=EngineError(ErrorCode.UNAVAILABLE, AWAY[name])))
    ready = nobody.get("/health/ready")
    # Without the ledger nothing is accepted; without the others, jobs are.
    assert ready.status_code == (503 if name == "ledger" else 200)
    assert ready.json["dependencies"] == {**dict.fromkeys(AWAY, "ok"), name: "unavailable"}
    assert f"request {ready.headers['X-Request-ID']}: {AWAY[name]}" in caplog.text


def test_an_owner_is_told_that_redis_is_away_but_not_where_it_would_be(
    world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    job = submit(client)
    monkeypatch.setattr(world.transport, "check", Mock(side_effect=EngineError(ErrorCode.UNAVAILABLE, AWAY["redis"])))
    answer = client.get(f"/api/v1/jobs/{job['id']}/explain")
    task = answer.json["tasks"][0]
    assert (task["reason"], task["data"]) == ("redis", {})
    assert "redis.lab" not in answer.text
