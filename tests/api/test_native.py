"""The native API: the main job over HTTP, and what bad requests get."""

from __future__ import annotations

import io
from typing import Any
from unittest.mock import Mock

import pytest
from flask.testing import FlaskClient

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Role
from jobengine.domain.reports import ReportKind
from jobengine.store import results
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World


def upload(client: FlaskClient, *names: str, data: bytes = b"pixels") -> list[str]:
    """Upload files with these names; their IDs."""
    answer = client.post("/api/v1/files", data={"files": [(io.BytesIO(data), name) for name in names]})
    assert answer.status_code == 201, answer.json
    return [item["id"] for item in answer.json["items"]]


def submit(client: FlaskClient, **body: Any) -> dict[str, Any]:
    """Submit a job on one new file; the answer's body."""
    answer = client.post("/api/v1/jobs", json={"pipeline": "cells", "files": upload(client, "a.png"), **body})
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def finish_with_artifact(world: World) -> None:
    """Run what there is; each task saves an artifact."""
    stored = world.artifacts.put(io.BytesIO(b"0123456789"))
    saved = {"name": "table.csv", "media_type": "text/csv", "size_bytes": 10, "sha256": stored.sha256}
    while deliveries := world.take():
        for delivery in deliveries:
            for task in delivery.tasks:
                world.say(ReportKind.STARTED, delivery, task)
                world.say(ReportKind.SUCCEEDED, delivery, task, result={"n": 1}, artifacts=[saved])
        world.engine.record()


def test_a_job_from_upload_to_artifact(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = submit(client, name="first", labels={"plate": "7"}, parameters={"segment": {"sigma": 2}})
    assert (job["state"], job["percentage"], job["counts"]["ready"]) == ("pending", 0, 1)
    finish_with_artifact(world)
    job = client.get(f"/api/v1/jobs/{job['id']}").json
    assert (job["state"], job["percentage"], len(job["results"]), len(job["artifacts"])) == ("succeeded", 100, 3, 3)
    result = client.get(f"/api/v1/results/{job['results'][0]}").json
    assert (result["data"], result["artifacts"][0]["name"]) == ({"n": 1}, "table.csv")
    assert client.get(f"/api/v1/results/{result['id']}/job").json["id"] == job["id"]
    tasks = client.get(f"/api/v1/jobs/{job['id']}/tasks").json["items"]
    assert [task["node"] for task in tasks] == ["segment", "measure", "tables"]
    assert len(client.get(f"/api/v1/tasks/{tasks[0]['id']}").json["attempts"]) == 1
    assert client.get(f"/api/v1/jobs/{job['id']}/results").json["items"][0]["id"] == result["id"]


def test_a_signed_address_works_without_a_key_until_it_expires(world: World, make_client: MakeClient) -> None:
    client, stranger = make_client(), make_client(None)
    job = submit(client)
    finish_with_artifact(world)
    url = client.get(f"/api/v1/jobs/{job['id']}").json["artifacts"][0]["url"]
    answer = stranger.get(url)
    assert (answer.status_code, answer.data) == (200, b"0123456789")
    assert answer.headers["Content-Disposition"] == "attachment; filename=table.csv"
    assert stranger.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    part = stranger.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert stranger.get(url, headers={"Range": "bytes=90-"}).status_code == 416
    assert stranger.get(url.split("?")[0]).status_code == 401
    assert stranger.get(url[:-2]).status_code == 403
    world.now += world.settings.url_lifetime_seconds + 2
    assert stranger.get(url).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pipeline": "nothing"}, "pipeline"),
        ({"pipeline": 3}, "pipeline"),
        ({"files": ["f" * 24]}, "files.0"),
        ({"files": ["../../etc/passwd"]}, "files.0"),
        ({"parameters": {"segment": {"sigma": "x"}}}, "parameters.segment.sigma"),
        ({"priority": 11}, "priority"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_submission_names_its_field_and_stores_nothing(
    make_client: MakeClient, body: dict[str, Any], field: str
) -> None:
    client = make_client()
    given = {"pipeline": "cells", "files": upload(client, "a.png"), **body}
    answer = client.post("/api/v1/jobs", json=given)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.json["field"] == field
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert client.get("/api/v1/jobs").json["items"] == []


@pytest.mark.parametrize("identifier", ["f" * 24, "nonsense", "%00", "0" * 25])
@pytest.mark.parametrize("kind", ["jobs", "files", "tasks", "results", "artifacts"])
def test_an_unknown_or_malformed_id_is_not_found(make_client: MakeClient, kind: str, identifier: str) -> None:
    answer = make_client().get(f"/api/v1/{kind}/{identifier}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("identifier", ["123", "nonsense", "f" * 25, "00000000-0000-4000-8000-000000000000"])
def test_a_path_without_an_id_says_what_an_id_is(make_client: MakeClient, identifier: str) -> None:
    answer = make_client().get(f"/api/v1/jobs/{identifier}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert "An ID has exactly 24 hexadecimal digits" in answer.json["detail"]


def test_an_id_in_a_path_may_be_in_either_case_or_spelled_as_a_uuid(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("noop")
    for spelling in (job.id.upper(), to_uuid(job.id), to_uuid(job.id).upper()):
        assert client.get(f"/api/v1/jobs/{spelling}").json["id"] == job.id
    assert client.delete(f"/api/v1/jobs/{to_uuid(job.id)}").status_code == 204
    assert client.delete("/api/v1/jobs/statistics").status_code == 405


def test_what_belongs_to_others_is_not_found_but_by_an_administrator(world: World, make_client: MakeClient) -> None:
    job = submit(make_client())
    finish_with_artifact(world)
    job = make_client().get(f"/api/v1/jobs/{job['id']}").json
    paths = [
        f"/api/v1/jobs/{job['id']}",
        f"/api/v1/jobs/{job['id']}/tasks",
        f"/api/v1/jobs/{job['id']}/results",
        f"/api/v1/results/{job['results'][0]}",
        f"/api/v1/artifacts/{job['artifacts'][0]['id']}/content",
        f"/api/v1/files/{job['files'][0]}/content",
    ]
    other, admin = make_client(owner="other"), make_client(Role.ADMIN, owner="operators")
    for path in paths:
        assert other.get(path).status_code == 404
        assert admin.get(path).status_code == 200
    for verb in ("cancel", "retry"):
        assert other.post(f"/api/v1/jobs/{job['id']}/{verb}").status_code == 404
    assert other.delete(f"/api/v1/jobs/{job['id']}").status_code == 404
    assert other.get("/api/v1/jobs").json["items"] == []


def test_a_job_is_shown_without_reading_what_is_in_its_results(
    world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    job = submit(client)
    finish_with_artifact(world)
    listed = [result["id"] for result in client.get(f"/api/v1/jobs/{job['id']}/results").json["items"]]
    monkeypatch.setattr(results, "read_result", Mock(side_effect=AssertionError))
    assert client.get(f"/api/v1/jobs/{job['id']}").json["results"] == listed
    assert len(listed) == 3


def test_a_key_is_needed_and_its_role_is_kept(make_client: MakeClient) -> None:
    assert make_client(None).get("/api/v1/jobs").status_code == 401
    for text in ("je_x_y", f"je_{'f' * 24}_x", "x" * 5000, "je_"):
        answer = make_client(None).get("/api/v1/jobs", headers={"X-API-Key": text})
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    viewer = make_client(Role.VIEWER)
    assert viewer.get("/api/v1/jobs").status_code == 200
    assert viewer.post("/api/v1/jobs", json={}).status_code == 403
    refused = viewer.post("/api/v1/files")
    assert refused.status_code == 403
    assert refused.json["detail"].startswith(
        "A key with the role viewer may not do this; send one with the role submitter or admin: 'Authorization"
    )
    assert refused.text.endswith("}\n")


def test_the_same_upload_is_the_same_file(make_client: MakeClient) -> None:
    client = make_client()
    assert upload(client, "a.png") == upload(client, "a.png")
    assert upload(client, "a.png") != upload(client, "b.png")


def test_a_file_that_is_too_large_is_refused(make_client: MakeClient) -> None:
    answer = make_client().post("/api/v1/files", data={"files": (io.BytesIO(b"x" * 2000), "a.png")})
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


def test_a_file_is_kept_while_a_job_needs_it(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = submit(client)
    path = f"/api/v1/files/{job['files'][0]}"
    assert client.delete(path).status_code == 409
    assert client.post(f"/api/v1/jobs/{job['id']}/cancel").json["state"] == "canceled"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_an_idempotency_key_replays_its_answer(make_client: MakeClient) -> None:
    client = make_client()
    body = {"pipeline": "cells", "files": upload(client, "a.png")}
    headers = {"Idempotency-Key": "once"}
    first = client.post("/api/v1/jobs", json=body, headers=headers).json["id"]
    assert client.post("/api/v1/jobs", json=body, headers=headers).json["id"] == first
    assert client.post("/api/v1/jobs", json={**body, "name": "b"}, headers=headers).status_code == 409


def test_lists_go_on_from_their_cursor(make_client: MakeClient) -> None:
    client = make_client()
    (file_id,) = upload(client, "a.png")
    made = [client.post("/api/v1/jobs", json={"pipeline": "cells", "files": [file_id]}).json["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/jobs?limit=2{'&cursor=' + cursor if cursor else ''}").json
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert client.get("/api/v1/jobs?limit=0").status_code == 422
    assert client.get("/api/v1/jobs?state=running").json["items"] == []


def test_the_files_of_a_job_are_listed(make_client: MakeClient) -> None:
    client = make_client()
    names = ("a.png", "b.png", "a.png")
    files = [upload(client, name, data=bytes([place]))[0] for place, name in enumerate(names)]
    job = client.post("/api/v1/jobs", json={"pipeline": "cells", "files": [files[1], files[2]]}).json
    found = client.get(f"/api/v1/jobs/{job['id']}/files").json
    assert [(file["id"], file["name"]) for file in found["items"]] == [(files[1], "b.png"), (files[2], "a.png")]
    assert make_client(owner="else").get(f"/api/v1/jobs/{job['id']}/files").status_code == 404


def test_a_parameter_that_no_step_has_is_refused_with_those_that_there_are(make_client: MakeClient) -> None:
    client = make_client()
    body = {"pipeline": "cells", "files": upload(client, "a.png"), "parameters": {"segment": {"sigm": 1}}}
    answer = client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 422
    assert answer.json["field"] == "parameters.segment.sigm"
    assert answer.json["detail"].startswith("There is no parameter 'sigm'; there are: ")
    assert "sigma" in answer.json["detail"]


def test_the_catalog_is_listed(make_client: MakeClient) -> None:
    client = make_client()
    names = {pipeline["name"] for pipeline in client.get("/api/v1/pipelines").json["items"]}
    assert {"cells", "strict", "noop", "masks", "external"} <= names
    step = next(step for step in client.get("/api/v1/steps").json["items"] if step["name"] == "test.segment")
    assert step["parameters_schema"]["properties"]["sigma"]["type"] == "number"
    assert step["resources"] == {"gpu": 1}


def test_submissions_are_accepted_while_redis_is_down(world: World, make_client: MakeClient) -> None:
    world.transport.is_down = True
    assert submit(make_client())["state"] == "pending"


def test_what_is_not_there_is_named_but_not_where_it_would_be(
    world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = EngineError(ErrorCode.UNAVAILABLE, "The ledger cannot be reached: no server at db.lab:5432.")
    client = make_client()
    monkeypatch.setattr(world.store, "read", Mock(side_effect=gone))
    response = client.get("/api/v1/jobs")
    assert (response.status_code, response.json["detail"]) == (503, "The ledger cannot be reached.")
    assert f"request {response.json['request_id']}: {gone.message}" in caplog.text


def test_the_framework_errors_are_problems_too(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/nowhere").json["code"] == "not_found"
    wrong = client.put("/api/v1/jobs")
    assert (wrong.status_code, wrong.json["code"]) == (405, "method_not_allowed")
    assert client.post("/api/v1/jobs", data="{", content_type="application/json").status_code == 400


def test_the_openapi_document_names_every_native_route(make_client: MakeClient) -> None:
    client = make_client()
    document = client.get("/api/v1/openapi.json").json
    rules = {
        rule.rule.replace("<id:", "{").replace(">", "}")
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
    }
    assert document["openapi"] == "3.1.0"
    assert rules | {"/health/live", "/health/ready", "/version", "/metrics"} == set(document["paths"])
