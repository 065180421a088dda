"""ET Engine's page over the engine in memory, read by the real client's own parsers."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like
from tests.unit.engine.world import World

TOOL = {"tool_id": "string", "tool_name": "string", "tool_description": "string"}
HARDWARE = {"filesystem_list": [{"filesystem_id": "string", "filesystem_name": "string"}], "cpu": 123, "memory": 123}
BATCH = {"batch_id": "string", "batch_tool": TOOL, "n_jobs": 123, "hardware": HARDWARE, "batch_hardware": HARDWARE}
JOB = {
    "job_id": "string",
    "job_tool": TOOL,
    "job_log_id": "string",
    "job_argument_list": [{"argument_key": "string", "argument_value": "string"}],
}
JOB_DETAIL = {
    "job_id": "string",
    "log_id": "string",
    "hardware": {"filesystems": ["id"], "memory": 123, "cpu": 123},
    "args": {},
    "status": "string",
    "reason": "string",
    "create_time": "string",
    "start_time": "string",
    "stop_time": "string",
}
COUNTERS = {"submitted", "pending", "runnable", "starting", "running", "succeeded", "failed"}


def keyed(
    world: World, make_client: MakeClient, role: Role = Role.SUBMITTER, owner: str = "lab", scheme: str = ""
) -> FlaskClient:
    """A client with the bare key in the header, or with a scheme before it."""
    made = make_client(None)
    made.environ_base["HTTP_AUTHORIZATION"] = f"{scheme}{world.engine.create_key(owner, role)}"
    return made


@pytest.fixture
def client(world: World, make_client: MakeClient) -> FlaskClient:
    """A submitter of the lab."""
    return keyed(world, make_client)


def submit_batch(world: World, make_client: MakeClient, jobs: int = 3) -> dict[str, Any]:
    """A batch of the native API."""
    (file_id,) = world.upload(1)
    filesystem = {"filesystem_id": "f", "filesystem_name": "files"}
    body = {
        "name": "sweep",
        "hardware": {"filesystem_list": [filesystem], "cpu": 2, "memory": 1024},
        "jobs": [
            {"pipeline": "cells", "files": [file_id], "parameters": {"segment": {"sigma": n + 0.5}}}
            for n in range(jobs)
        ],
    }
    answer = make_client(Role.SUBMITTER).post("/api/v1/batches", json=body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


@pytest.mark.parametrize("base", ["", "/v1"])
def test_batches_jobs_and_status_as_on_the_page(
    world: World, make_client: MakeClient, client: FlaskClient, base: str
) -> None:
    made = submit_batch(world, make_client)
    # The real client sends a body without a content type, also with GET.
    (batch,) = client.get(f"{base}/batches", data="{}").json
    assert_like(BATCH, batch)
    assert (batch["batch_id"], batch["n_jobs"], batch["batch_hardware"]["cpu"]) == (to_uuid(made["id"]), 3, 2)
    status = client.get(f"{base}/batches/{batch['batch_id']}").json
    assert (set(status), status["runnable"]) == (COUNTERS, 3)
    jobs = client.get(f"{base}/batches/{batch['batch_id']}/jobs").json
    assert_like([JOB], jobs)
    assert [job["job_id"] for job in jobs] == [to_uuid(job_id) for job_id in made["jobs"]]
    assert jobs[0]["job_argument_list"] == [{"argument_key": "segment.sigma", "argument_value": "0.5"}]
    (detail,) = client.get(f"{base}/batches/{batch['batch_id']}/jobs/{jobs[0]['job_id']}").json
    assert_like(JOB_DETAIL, detail)
    assert (detail["status"], detail["args"]) == ("RUNNABLE", {"segment.sigma": "0.5"})
    world.finish()
    assert client.get(f"{base}/batches/{batch['batch_id']}").json["succeeded"] == 3


def test_the_real_parsers_read_our_bodies(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    from et_engine_core.batches import Batch, BatchStatus

    made = submit_batch(world, make_client)
    (body,) = client.get("/v1/batches").json
    parsed = Batch.from_json(body)
    assert str(parsed.batch_id) == to_uuid(made["id"])
    status = BatchStatus(**client.get(f"/v1/batches/{body['batch_id']}").json)
    assert status.runnable == 3


def test_canceled_jobs_count_as_failed_so_that_waiting_ends(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    made = submit_batch(world, make_client)
    assert make_client(Role.SUBMITTER).post(f"/api/v1/batches/{made['id']}/cancel").json == {"canceled": 3}
    assert client.get(f"/batches/{to_uuid(made['id'])}").json["failed"] == 3


def test_deleting_one_batch_and_all(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    first, second = (submit_batch(world, make_client) for _ in range(2))
    other = keyed(world, make_client, owner="other")
    assert other.delete(f"/batches/{to_uuid(first['id'])}").status_code == 403
    gone = client.delete(f"/batches/{to_uuid(first['id'])}")
    assert (gone.status_code, gone.data) == (200, b"")
    assert [batch["batch_id"] for batch in client.get("/batches").json] == [to_uuid(second["id"])]
    assert other.delete("/batches").status_code == 200
    assert len(client.get("/batches").json) == 1
    assert client.delete("/v1/batches").status_code == 200
    assert client.get("/batches").json == []
    assert make_client(Role.SUBMITTER).get("/api/v1/jobs").json["items"] == []


def test_refusals_are_plain_text(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    made = submit_batch(world, make_client)
    nobody = make_client(None)
    for answer, status, text in (
        (nobody.get("/batches"), 401, "Missing authorization header"),
        (nobody.get("/batches", headers={"Authorization": "x"}), 401, "Unknown authentication error in API key"),
        (
            nobody.get("/v1/batches", headers={"Authorization": "Bearer x"}),
            401,
            "Unknown authentication error in Bearer token",
        ),
        (client.get(f"/batches/{'f' * 24}"), 403, "Access denied"),
        (client.get("/batches/nothing"), 403, "Access denied"),
        (client.get(f"/batches/{made['id']}/jobs/{'f' * 24}"), 403, "Access denied"),
        (keyed(world, make_client, owner="other").get(f"/batches/{made['id']}"), 403, "Access denied"),
        (keyed(world, make_client, Role.VIEWER).delete("/batches"), 403, "Access denied"),
    ):
        assert (answer.status_code, answer.text, answer.mimetype) == (status, text, "text/plain")
    assert client.put("/batches").status_code == 405
    assert client.put("/batches").mimetype == "text/plain"


def test_a_bearer_token_works_as_well(world: World, make_client: MakeClient) -> None:
    submit_batch(world, make_client)
    assert len(keyed(world, make_client, scheme="Bearer ").get("/v1/batches").json) == 1
