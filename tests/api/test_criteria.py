"""Criteria of lists, and of what is canceled and deleted by them."""

from __future__ import annotations

import pytest

from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.api.test_native_more import ids
from tests.unit.engine.world import World


def test_an_empty_text_deletes_and_cancels_nothing(world: World, make_client: MakeClient) -> None:
    job = world.submit("noop")
    client = make_client()
    for answer in (client.delete("/api/v1/jobs?text="), client.post("/api/v1/jobs/cancel?text=")):
        assert (answer.status_code, answer.json["field"]) == (422, "text")
    assert client.get(f"/api/v1/jobs/{job.id}").json["state"] == "pending"


def test_labels_that_come_twice_must_both_hold(world: World, make_client: MakeClient) -> None:
    client = make_client()
    one = world.submit("noop", labels={"a": "1", "b": "x"})
    world.submit("noop", labels={"a": "2"})
    assert ids(client, "label=a=1&label=b=x") == [one.id]
    assert ids(client, "label=a=1&label=a=1") == [one.id]
    assert ids(client, "label=a=1&label=a=2") == []
    assert client.delete("/api/v1/jobs?label=a=1&label=a=2").json == {"jobs": 0, "dry_run": False}
    assert len(ids(client, "")) == 2


def test_a_method_is_a_pipeline(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("noop")
    world.submit("cells")
    assert ids(client, "method=noop") == [job.id]
    assert ids(client, "method=noop&pipeline=noop") == [job.id]
    assert ids(client, "method=noop&pipeline=cells") == []


def test_a_dry_run_of_cancel_counts_what_would_be_canceled(world: World, make_client: MakeClient) -> None:
    client = make_client()
    world.submit("noop")
    world.finish()
    world.submit("noop")
    for query in ("all=true", "pipeline=noop", "state=pending&state=succeeded"):
        assert client.post(f"/api/v1/jobs/cancel?{query}&dry_run=true").json == {"jobs": 1, "dry_run": True}
    assert client.post("/api/v1/jobs/cancel?state=succeeded&dry_run=true").json["jobs"] == 0
    assert client.post("/api/v1/jobs/cancel?state=succeeded").json["jobs"] == 0
    assert client.post("/api/v1/jobs/cancel?all=true").json["jobs"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("jobs/statistics", "steps", "pipelines", "me", "files", "keys", "owners")),
        ("GET", f"jobs/{'f' * 24}"),
        ("GET", f"artifacts/{'f' * 24}/content"),
        ("POST", "jobs"),
        ("POST", "files"),
        ("DELETE", f"jobs/{'f' * 24}"),
    ],
)
def test_an_argument_that_nobody_reads_is_refused(make_client: MakeClient, method: str, path: str) -> None:
    answer = make_client(Role.ADMIN).open(f"/api/v1/{path}?colour=red", method=method, json={"pipeline": "external"})
    assert (answer.status_code, answer.json["field"]) == (422, "colour")
    assert make_client(None).get("/api/v1/me?colour=red").status_code == 401
