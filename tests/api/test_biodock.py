"""Biodock's page over the engine in memory."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from jobengine.domain.reports import ReportKind
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like, example_of
from tests.api.test_native import submit
from tests.unit.engine.world import World

JOBS = "/api/external/analysis-jobs"


@pytest.fixture
def client(world: World, make_client: MakeClient) -> FlaskClient:
    """A client with the header of the page."""
    return keyed(world, make_client)


def keyed(world: World, make_client: MakeClient, role: Role = Role.SUBMITTER, owner: str = "lab") -> FlaskClient:
    """A client of that owner in that role."""
    made = make_client(None)
    made.environ_base["HTTP_X_API_KEY"] = world.engine.create_key(owner, role)
    return made


def upload(client: FlaskClient, name: str = "a.png", folder: str = "") -> str:
    """Upload a file; its ID."""
    data = {"fileName": name, "destinationFolder": folder, "upload": (io.BytesIO(name.encode()), name)}
    answer = client.post("/api/external/filesystem-items/upload-file", data=data)
    assert answer.status_code == 200, answer.json
    assert answer.json["__t"] == "File"
    return str(answer.json["id"])


def analyse(client: FlaskClient, items: list[str], pipeline: str = "cells") -> dict[str, Any]:
    """Submit a job; the answer."""
    answer = client.post(JOBS, json={"pipelineId": pipeline, "filesystemIds": items, "name": "plate"})
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def finish(world: World) -> None:
    """Run what there is; the last step of a job saves the tables and masks that the image steps save."""
    stored = world.artifacts.put(io.BytesIO(b"0123456789"))
    names = ("objects.csv", "aggregates.csv", "masks.zip")
    saved = [{"name": name, "media_type": "x/y", "size_bytes": 10, "sha256": stored.sha256} for name in names]
    while deliveries := world.take():
        for delivery in deliveries:
            artifacts = saved if delivery.step == "test.tables" else []
            for task in delivery.tasks:
                world.say(ReportKind.SUCCEEDED, delivery, task, result={"n": 1}, artifacts=artifacts)
        world.engine.record()


def test_a_job_is_submitted_fetched_and_listed_as_on_the_page(world: World, client: FlaskClient) -> None:
    submitted = analyse(client, [upload(client)])
    assert_like(example_of("biodock", "submitted job"), submitted)
    assert (submitted["status"], submitted["percentageCompleted"]) == ("PENDING", 0)
    finish(world)
    fetched = client.get(f"{JOBS}/{submitted['id']}").json
    assert_like(example_of("biodock", "fetched job"), fetched)
    assert (fetched["status"], fetched["percentageCompleted"]) == ("SUCCEEDED", 100)
    assert_like(example_of("biodock", "fetched job"), fetched["analysisJob"])
    for key in ("objectsDataCSVUrl", "aggregateDataCSVUrl"):
        assert client.get(fetched[key]).data == b"0123456789"
    listed = client.get(JOBS).json
    assert_like(example_of("biodock", "listed jobs"), listed)
    assert listed["count"] == 1


def test_lists_go_on_after_a_job(client: FlaskClient) -> None:
    item = upload(client)
    ids = [analyse(client, [item])["id"] for _ in range(5)]
    first = client.get(f"{JOBS}?limit=2").json
    second = client.get(f"{JOBS}?limit=2&startingAfter={first['results'][-1]['id']}").json
    assert [job["id"] for job in first["results"] + second["results"]] == ids[:0:-1]
    assert first["count"] == 5


def test_a_folder_stands_for_its_files(world: World, client: FlaskClient) -> None:
    inside = [upload(client, f"{number}.png", "plate 1") for number in range(3)]
    upload(client, "outside.png")
    items = client.get("/api/external/filesystem-items").json["results"]
    (folder,) = [item for item in items if item["__t"] == "Folder"]
    assert folder["name"] == "plate 1"
    listed = client.get(f"/api/external/filesystem-items?folderId={folder['id']}").json
    assert sorted(item["id"] for item in listed["results"]) == sorted(inside)
    job = analyse(client, [folder["id"]])
    with world.store.read() as ledger:
        assert ledger.jobs.file_ids(job["id"]) == inside


def test_items_are_listed_in_stretches_across_folders_and_files(client: FlaskClient) -> None:
    for name, folder in (("a", "one"), ("b", "two"), ("c", ""), ("d", "")):
        upload(client, name, folder)
    seen: list[str] = []
    after = ""
    for _ in range(4):
        page = client.get(f"/api/external/filesystem-items?limit=1{after}").json
        assert page["count"] == 4
        seen.append(page["results"][0]["name"])
        after = f"&startingAfter={page['results'][0]['id']}"
    assert seen == ["one", "two", "d", "c"]
    assert client.get(f"/api/external/filesystem-items?limit=1{after}").json["results"] == []


def test_masks_are_made_once_however_often_they_are_asked_for(world: World, client: FlaskClient) -> None:
    job = analyse(client, [upload(client)])
    early = client.post(f"{JOBS}/{job['id']}/download-masks")
    assert (early.status_code, "not ended" in early.json["message"]) == (409, True)
    finish(world)
    assert client.get(f"{JOBS}/{job['id']}/download-masks").status_code == 404
    first = client.post(f"{JOBS}/{job['id']}/download-masks").json
    again = client.post(f"{JOBS}/{job['id']}/download-masks").json
    assert_like(example_of("biodock", "submitted masks job"), first)
    assert (first["status"], first["percentageCompleted"]) == ("SUBMITTED", 0)
    assert first == again
    finish(world)
    done = client.get(f"{JOBS}/{job['id']}/download-masks").json
    for body in (done, done["downloadMasksJob"]):
        assert_like(example_of("biodock", "fetched masks job"), body)
        assert (body["status"], body["percentageCompleted"]) == ("SUCCEEDED", 100)
    assert client.get(done["masksZipUrl"]).data == b"0123456789"
    assert client.get(JOBS).json["count"] == 1


def test_masks_are_made_again_after_those_that_failed_and_those_that_were_deleted(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    masks = f"{JOBS}/{analyse(client, [upload(client)])['id']}/download-masks"
    finish(world)
    client.post(masks)
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"})
    assert client.get(masks).json["status"] == "FAILED"
    assert client.post(masks).json["status"] == "SUBMITTED"
    finish(world)
    native = make_client()
    for _ in range(2):
        assert client.post(masks).json["status"] == "SUCCEEDED"
        made = native.get("/api/v1/jobs?pipeline=masks").json["items"]
        for job in made:
            assert native.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
        assert client.get(masks).status_code == 404
        assert client.post(masks).json["status"] == "SUBMITTED"
        finish(world)


def test_a_failed_job_reaches_a_hundred_percent(world: World, client: FlaskClient) -> None:
    job = analyse(client, [upload(client)])
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"})
    fetched = client.get(f"{JOBS}/{job['id']}").json
    assert (fetched["status"], fetched["percentageCompleted"]) == ("FAILED", 100)


def test_check_and_pipelines(client: FlaskClient) -> None:
    checked = client.get("/api/external/check").json
    assert (checked["user"], checked["email"], checked["messsage"]) == ("lab", "", checked["message"])
    listed = client.get("/api/external/pipelines").json
    assert "cells" in {pipeline["name"] for pipeline in listed["results"]}
    assert listed["count"] == len(listed["results"])


def test_the_address_in_a_check_is_the_one_that_the_owner_is_named_by(world: World, make_client: MakeClient) -> None:
    checked = keyed(world, make_client, owner="ada@example.org").get("/api/external/check").json
    assert (checked["user"], checked["email"]) == ("ada@example.org", "ada@example.org")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "filesystemIds"),
        ({"filesystemIds": "x", "pipelineId": "cells"}, "filesystemIds"),
        ({"filesystemIds": ["f" * 24], "pipelineId": 7}, "pipelineId"),
        ({"filesystemIds": ["f" * 24], "pipelineId": "cells"}, "filesystemIds: There is no file"),
        ({"filesystemIds": ["../../etc/passwd"], "pipelineId": "cells"}, "filesystemIds: There is no file"),
        ([], "object"),
    ],
)
def test_a_bad_submission_is_refused_with_the_field(client: FlaskClient, body: Any, word: str) -> None:
    answer = client.post(JOBS, json=body)
    assert answer.status_code == 400
    assert word in answer.json["message"]


def test_refusals_are_in_its_own_words_also_those_of_the_framework(
    world: World, make_client: MakeClient, client: FlaskClient
) -> None:
    for answer, status in (
        (make_client(None).get(JOBS), 401),
        (client.get("/api/external/nothing"), 404),
        (client.put(JOBS), 405),
        (client.post(JOBS, data="{", content_type="application/json"), 400),
        (client.get(f"{JOBS}?limit=many"), 400),
        (keyed(world, make_client, Role.VIEWER).post(JOBS, json={}), 403),
        (keyed(world, make_client, owner="other").get(f"{JOBS}/{analyse(client, [upload(client)])['id']}"), 404),
    ):
        assert answer.status_code == status
        assert set(answer.json) == {"message", "error", "statusCode", "requestId"}


def test_native_jobs_are_seen_here_too(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    job = submit(make_client())
    assert client.get(f"{JOBS}/{job['id']}").json["id"] == job["id"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", "limit: This must be a whole number from 1 to 1000."),
        ("startingAfter=x", "startingAfter: This must be the ID of a job."),
    ],
)
def test_a_refusal_names_its_field_once(client: FlaskClient, query: str, message: str) -> None:
    answer = client.get(f"{JOBS}?{query}")
    assert (answer.status_code, answer.json["message"]) == (400, message)


def test_refusals_name_the_fields_of_the_page(client: FlaskClient) -> None:
    job = {"filesystemIds": [upload(client)], "pipelineId": "nothing"}
    assert client.post(JOBS, json=job).json["message"].startswith("pipelineId: There is no published pipeline")
    for field in ("fileName", "destinationFolder"):
        data = {"fileName": "a.png", "upload": (io.BytesIO(b"x"), "a.png"), field: "../a"}
        answer = client.post("/api/external/filesystem-items/upload-file", data=data)
        assert (answer.status_code, answer.json["message"].partition(":")[0]) == (400, field)
