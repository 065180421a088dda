"""ET Engine's page over the engine in memory, read by the real client's own parsers."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Batch, Role
from jobengine.domain.reports import ReportKind
from jobengine.verbs.requests import JobRequest
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like, example_of
from tests.unit.engine.world import OWNER, World


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
    (example,) = example_of("et_engine", "batches")
    assert_like({**example, "batch_hardware": example["hardware"]}, batch)
    assert (batch["batch_id"], batch["n_jobs"], batch["batch_hardware"]["cpu"]) == (to_uuid(made["id"]), 3, 2)
    status = client.get(f"{base}/batches/{batch['batch_id']}").json
    assert_like(example_of("et_engine", "status"), status)
    assert (set(status), status["runnable"]) == (set(example_of("et_engine", "status")), 3)
    jobs = client.get(f"{base}/batches/{batch['batch_id']}/jobs").json
    assert_like(example_of("et_engine", "jobs"), jobs)
    assert [job["job_id"] for job in jobs] == [to_uuid(job_id) for job_id in made["jobs"]]
    assert jobs[0]["job_argument_list"] == [{"argument_key": "segment.sigma", "argument_value": "0.5"}]
    details = client.get(f"{base}/batches/{batch['batch_id']}/jobs/{jobs[0]['job_id']}").json
    (example,) = example_of("et_engine", "job")
    # The names of arguments are the job's own.
    assert_like([{**example, "args": {"segment.sigma": "value"}}], details)
    (detail,) = details
    assert (detail["status"], detail["args"]) == ("RUNNABLE", {"segment.sigma": "0.5"})
    world.finish()
    assert client.get(f"{base}/batches/{batch['batch_id']}").json["succeeded"] == 3


def test_the_real_parsers_read_our_bodies(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    from et_engine_core import Batch as TheirBatch
    from et_engine_core import BatchStatus, Job

    made = submit_batch(world, make_client)
    (body,) = client.get("/v1/batches").json
    parsed = TheirBatch.from_json(body)
    # They give back what they keep: all but the page's second name for the hardware.
    assert {**parsed.to_json(), "hardware": body["hardware"]} == body
    assert parsed.batch_hardware.filesystem_list[0].filesystem_name == "files"
    status = client.get(f"/v1/batches/{parsed.batch_id}").json
    assert BatchStatus.from_json(status).to_json() == status
    jobs = client.get(f"/v1/batches/{parsed.batch_id}/jobs").json
    assert [Job.from_json(job).to_json() for job in jobs] == jobs
    assert [Job.from_json(job).job_id for job in jobs] == [to_uuid(job_id) for job_id in made["jobs"]]
    assert Job.from_json(jobs[0]).job_argument_list[0].argument_key == "segment.sigma"


ODD_HARDWARE: list[tuple[Any, dict[str, Any]]] = [
    ({"cpu": "abc"}, {}),
    ({"cpu": [1]}, {}),
    ({"cpu": True, "memory": None}, {}),
    ({"cpu": "4", "memory": 1.5e3}, {"cpu": 4, "memory": 1500}),
    ({"memory": "1e3", "cpu": -1}, {}),
    ({"memory": 1e300}, {}),
    ({"filesystem_list": 5}, {}),
    ({"filesystem_list": ["x", 5, {"filesystem_id": 1}]}, {"filesystem_list": [("x", "x")]}),
    (
        {"filesystem_list": [{"filesystem_id": "a", "size": 1}, {"filesystem_id": "b", "filesystem_name": "files"}]},
        {"filesystem_list": [("a", "a"), ("b", "files")]},
    ),
]


@pytest.mark.parametrize(("given", "read"), ODD_HARDWARE)
def test_a_batch_with_odd_hardware_breaks_no_page(
    world: World, client: FlaskClient, given: Any, read: dict[str, Any]
) -> None:
    from et_engine_core import Batch as TheirBatch

    batch = Batch(world.ids.new(), OWNER, "odd", "noop", given, world.now)
    request = JobRequest(OWNER, "noop", world.upload(1), batch_id=batch.id)
    (job,) = world.engine.submit_many([request], batch=batch).jobs
    (body,) = client.get("/batches").json
    filesystems = [{"filesystem_id": one, "filesystem_name": name} for one, name in read.get("filesystem_list", [])]
    wanted = {"filesystem_list": filesystems, "cpu": read.get("cpu", 1), "memory": read.get("memory", 512)}
    assert (body["hardware"], body["batch_hardware"]) == (wanted, wanted)
    assert TheirBatch.from_json(body).n_jobs == 1
    (detail,) = client.get(f"/batches/{batch.id}/jobs/{job.id}").json
    assert detail["hardware"]["filesystems"] == [entry["filesystem_id"] for entry in filesystems]


def test_every_job_is_in_the_counter_that_its_own_status_names(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    made = submit_batch(world, make_client, jobs=6)
    canceled, *others = made["jobs"]
    world.engine.cancel(None, [canceled])
    world.limit(running_tasks=4)
    deliveries = {task.job_id: (found, task) for found in world.take() for task in found.tasks}
    assert len(deliveries) == 4
    for job_id, kind in zip(deliveries, (ReportKind.STARTED, ReportKind.FAILED), strict=False):
        delivery, task = deliveries[job_id]
        body = {"kind": "step", "message": "no"} if kind is ReportKind.FAILED else {}
        world.say(kind, delivery, task, **body)
    world.engine.record()
    status = client.get(f"/batches/{made['id']}").json
    words = [client.get(f"/batches/{made['id']}/jobs/{job_id}").json[0]["status"].lower() for job_id in made["jobs"]]
    assert status == {word: words.count(word) for word in status}
    assert {word for word, count in status.items() if count} == {"runnable", "starting", "running", "failed"}
    assert len(others) + 1 == sum(status.values())


def test_a_deleted_job_counts_as_failed_so_that_waiting_ends(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    made = submit_batch(world, make_client)
    world.finish()
    native = make_client(Role.SUBMITTER)
    assert native.delete(f"/api/v1/jobs/{made['jobs'][0]}").status_code == 204
    status = client.get(f"/batches/{made['id']}").json
    assert (status["succeeded"], status["failed"]) == (2, 1)
    shown = native.get(f"/api/v1/batches/{made['id']}").json
    assert (shown["job_count"], shown["counts"]["succeeded"], shown["deleted"]) == (3, 2, 1)
    for job_id in made["jobs"][1:]:
        native.delete(f"/api/v1/jobs/{job_id}")
    assert client.get(f"/batches/{made['id']}").json["failed"] == 3
    (batch,) = client.get("/batches").json
    assert (batch["n_jobs"], batch["batch_tool"]["tool_name"]) == (3, "cells")
    assert batch["batch_tool"]["tool_id"]


def test_the_tool_is_the_pipeline_however_the_batch_named_it(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    native = make_client(Role.SUBMITTER)
    made = native.post("/api/v1/batches", json={"jobs": [{"pipeline": "external@1"}]}).json
    assert made["pipeline"] == "external"
    with world.store.begin() as ledger:
        # As batches were written once, with nothing left of their jobs.
        ledger.owners.insert_batches([Batch(world.ids.new(), OWNER, "old", "external@1", {}, world.now)])
    old, new = (batch["batch_tool"] for batch in client.get("/batches").json)
    assert old == new
    assert (new["tool_name"], len(new["tool_id"])) == ("external", 36)
    (job,) = client.get(f"/batches/{made['id']}/jobs").json
    assert job["job_tool"] == new


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


@pytest.mark.parametrize("base", ["", "/v1"])
def test_what_is_not_there_is_refused_in_plain_text(client: FlaskClient, base: str) -> None:
    for path in ("tools", "tools/x", "filesystems", "keys", "batches/x/y"):
        for method in ("GET", "POST", "DELETE"):
            answer = client.open(f"{base}/{path}", method=method)
            assert (answer.status_code, answer.mimetype) == (404, "text/plain"), path


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/"])
def test_the_root_and_options_need_no_key(make_client: MakeClient, path: str) -> None:
    nobody = make_client(None)
    answer = nobody.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "described at /api/docs." in answer.text
    assert nobody.get("/api/docs").status_code == 200
    assert nobody.options(f"{path.rstrip('/')}/batches").status_code == 200
    refused = nobody.post(path)
    assert (refused.status_code, refused.mimetype) == (405, "text/plain")


def test_a_bearer_token_works_as_well(world: World, make_client: MakeClient) -> None:
    submit_batch(world, make_client)
    assert len(keyed(world, make_client, scheme="Bearer ").get("/v1/batches").json) == 1
