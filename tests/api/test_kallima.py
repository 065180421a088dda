"""Kallima's page over the engine in memory."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.dialects.kallima.wording import HUMANIZATION_KEYS, TYPED_RESULTS
from jobengine.domain.announcements import Announcement, PipelineSpec, encode_announcement
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Node, Role, Scope, StepSpec
from jobengine.domain.reports import Report, ReportKind
from tests.api.conftest import MakeClient
from tests.unit.engine.world import WORKER, World

KINDS = ("humanization", "structure", "stability", "immunogenicity", "complex")
JOB_KEYS = {
    *("id", "variant_id", "job_type", "status", "error_message"),
    *("created_at", "started_at", "completed_at", "submitted_by", "canceled_at"),
}


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    """A client with a Bearer token, as the native one."""
    return make_client(Role.SUBMITTER)


def announce(world: World) -> None:
    """Steps that make results of the page's kinds, one after the other."""
    steps = tuple(StepSpec(f"antibody.{kind}", "1", Scope.FILE, kind) for kind in KINDS)
    nodes = tuple(Node(kind, f"antibody.{kind}", after=KINDS[index - 1 : index]) for index, kind in enumerate(KINDS))
    body = encode_announcement(Announcement("host", 2, ("default",), steps, (PipelineSpec("antibody", 1, nodes),)))
    world.transport.report([Report(ReportKind.ANNOUNCED, WORKER, world.now, body=body)])
    world.engine.record()


def test_each_typed_result_is_filled_from_the_result_of_its_kind(world: World, client: FlaskClient) -> None:
    announce(world)
    variant = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    job = world.submit("antibody", labels={"variant_id": variant})
    said: dict[str, Any] = {"strategy": "cdr graft", "model_used": "m", "confidence_score": 0.5, "ddg_matrix": {"a": 1}}
    while deliveries := world.take():
        for delivery in deliveries:
            world.say(ReportKind.SUCCEEDED, delivery, delivery.tasks[0], result=said, artifacts=[])
        world.engine.record()
    body = client.get(f"/jobs/{to_uuid(job.id)}").json
    assert set(body) == {"job", "results", *TYPED_RESULTS}
    assert set(body["job"]) == JOB_KEYS
    assert (body["job"]["status"], body["job"]["variant_id"]) == ("completed", variant)
    (humanization,) = body["results"]
    assert list(humanization) == list(HUMANIZATION_KEYS)
    assert (humanization["strategy"], humanization["mutations"]) == ("cdr graft", None)
    for key, (_, names) in TYPED_RESULTS.items():
        assert list(body[key]) == list(names)
        assert body[key]["job_id"] == to_uuid(job.id)
    assert body["structure_result"]["confidence_score"] == 0.5
    assert body["stability_result"]["variant_id"] == variant


def test_a_job_of_another_kind_has_nulls(world: World, client: FlaskClient) -> None:
    job = world.submit("noop")
    body = client.get(f"/jobs/{job.id}").json
    assert (body["job"]["id"], body["job"]["status"], body["job"]["job_type"]) == (to_uuid(job.id), "pending", "noop")
    assert body["results"] == []
    assert all(body[key] is None for key in TYPED_RESULTS)
    assert body["job"]["started_at"] is None
    assert body["job"]["created_at"].endswith("Z")


def test_failed_and_canceled_jobs_say_so(world: World, client: FlaskClient) -> None:
    canceled = world.submit("noop")
    world.engine.cancel(None, [canceled.id])
    failed = world.submit("noop")
    world.finish(lambda delivery, task: {"kind": "step", "message": "not this one"})
    job = client.get(f"/jobs/{to_uuid(failed.id)}").json["job"]
    assert (job["status"], job["error_message"]) == ("failed", "not this one")
    job = client.get(f"/jobs/{to_uuid(canceled.id)}").json["job"]
    assert (job["status"], job["completed_at"]) == ("canceled", None)
    assert job["canceled_at"] is not None


def test_the_list_is_bare_and_filtered_by_variant(world: World, client: FlaskClient) -> None:
    world.submit("noop", labels={"variant_id": "a"})
    second = world.submit("noop", labels={"variant_id": "b"})
    assert [job["variant_id"] for job in client.get("/jobs").json] == ["b", "a"]
    assert [job["id"] for job in client.get("/jobs?variant_id=b").json] == [to_uuid(second.id)]


def test_refusals_have_a_detail(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    job = world.submit("noop")
    unknown = client.get(f"/jobs/{to_uuid('f' * 24)}")
    assert (unknown.status_code, "detail" in unknown.json) == (404, True)
    for malformed in ("zz", "3c90c3cc-0d44-4b50-8888-8dd25736052a", "a" * 23):
        answer = client.get(f"/jobs/{malformed}")
        assert (answer.status_code, answer.json["detail"][0]["loc"]) == (422, ["path", "job_id"])
    wrong = make_client(None).get("/jobs", headers={"Authorization": "Bearer je_wrong"})
    assert (wrong.status_code, set(wrong.json)) == (401, {"detail"})
    assert make_client(Role.VIEWER, "other").get(f"/jobs/{to_uuid(job.id)}").status_code == 404
    assert client.post("/jobs", json={}).status_code == 405
