"""Batches: one pipeline, hardware of known kinds, as many jobs as promised; and answers that are given again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

JOBS = 100_000


@pytest.mark.parametrize(
    ("hardware", "field"),
    [
        ({"cpu": "abc"}, "hardware.cpu"),
        ({"cpu": [1]}, "hardware.cpu"),
        ({"cpu": 0}, "hardware.cpu"),
        ({"cpu": 1.5}, "hardware.cpu"),
        ({"memory": "1e3"}, "hardware.memory"),
        ({"memory": None}, "hardware.memory"),
        ({"filesystem_list": 5}, "hardware.filesystem_list"),
        ({"filesystem_list": ["x"]}, "hardware.filesystem_list.0"),
        ({"filesystem_list": [{"filesystem_id": 5}]}, "hardware.filesystem_list.0.filesystem_id"),
        ({"colour": "red"}, "hardware.colour"),
        ([], "hardware"),
    ],
)
def test_hardware_of_no_known_kind_is_refused(make_client: MakeClient, hardware: Any, field: str) -> None:
    client = make_client()
    answer = client.post("/api/v1/batches", json={"jobs": [{"pipeline": "external"}], "hardware": hardware})
    assert answer.status_code == 422
    assert answer.json["field"].startswith(field)
    assert client.get("/api/v1/batches").json["items"] == []


def test_hardware_is_shown_as_it_was_given(make_client: MakeClient) -> None:
    client = make_client()
    hardware = {"cpu": 2, "memory": 512, "filesystem_list": [{"filesystem_id": "a", "filesystem_name": "b"}]}
    made = client.post("/api/v1/batches", json={"jobs": [{"pipeline": "external"}], "hardware": hardware}).json
    assert made["hardware"] == client.get(f"/api/v1/batches/{made['id']}").json["hardware"] == hardware
    (shown,) = client.get("/v1/batches").json
    assert shown["batch_hardware"] == hardware


@pytest.mark.parametrize("spelling", ["noop", "noop@1", "ID"])
def test_a_batch_bears_the_name_of_its_pipeline(world: World, make_client: MakeClient, spelling: str) -> None:
    client = make_client()
    (noop,) = [entry for entry in client.get("/api/v1/pipelines").json["items"] if entry["name"] == "noop"]
    job = {"pipeline": noop["id"] if spelling == "ID" else spelling, "files": list(world.upload(1))}
    made = client.post("/api/v1/batches", json={"jobs": [job, {**job, "pipeline": "noop"}]}).json
    assert made["pipeline"] == client.get(f"/api/v1/batches/{made['id']}").json["pipeline"] == "noop"


def test_the_jobs_of_a_batch_run_one_pipeline(world: World, make_client: MakeClient) -> None:
    client = make_client()
    files = list(world.upload(1))
    jobs = [{"pipeline": name, "files": files} for name in ("noop", "noop", "cells")]
    answer = client.post("/api/v1/batches", json={"jobs": jobs})
    assert (answer.status_code, answer.json["field"]) == (422, "jobs.2.pipeline")
    assert client.get("/api/v1/jobs").json["items"] == client.get("/api/v1/batches").json["items"] == []
    one = client.post("/api/v1/batches", json={"jobs": [{"pipeline": "nothing"}]})
    assert one.json["field"] == "jobs.0.pipeline"


@pytest.mark.parametrize("path", ["jobs", "batches"])
def test_an_answer_is_given_again_whatever_became_of_its_jobs(world: World, make_client: MakeClient, path: str) -> None:
    client = make_client()
    job = {"pipeline": "noop", "files": list(world.upload(1)), "name": "a"}
    body, headers = (job if path == "jobs" else {"jobs": [job, job]}), {"Idempotency-Key": "k" * 300}
    first = client.post(f"/api/v1/{path}", json=body, headers=headers)
    assert first.status_code == 201
    world.finish()
    assert client.post(f"/api/v1/{path}", json=body, headers=headers).json == first.json
    assert client.delete(f"/api/v1/{path}/{first.json['id']}").status_code == 204
    again = client.post(f"/api/v1/{path}", json=body, headers=headers)
    assert (again.status_code, again.json) == (201, first.json)
    assert client.get("/api/v1/jobs").json["items"] == []


@pytest.mark.parametrize("key", ["", "k" * 301])
def test_a_key_that_cannot_be_kept_whole_is_refused(make_client: MakeClient, key: str) -> None:
    client = make_client()
    for path, body in (("jobs", {"pipeline": "external"}), ("batches", {"jobs": [{"pipeline": "external"}]})):
        answer = client.post(f"/api/v1/{path}", json=body, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json["field"]) == (422, "Idempotency-Key")
    assert client.get("/api/v1/jobs").json["items"] == []


def test_a_label_that_could_not_be_asked_for_is_refused(make_client: MakeClient) -> None:
    client = make_client()
    answer = client.post("/api/v1/jobs", json={"pipeline": "external", "labels": {"a=b": "c"}})
    assert (answer.status_code, answer.json["field"]) == (422, "labels.a=b")
    assert client.post("/api/v1/jobs", json={"pipeline": "external", "labels": {"a": "b=c"}}).status_code == 201
    assert len(client.get("/api/v1/jobs?label=a=b=c").json["items"]) == 1


@pytest.mark.acceptance
def test_a_hundred_thousand_jobs_are_accepted_in_one_call_or_not_at_all(world: World, make_client: MakeClient) -> None:
    client = make_client()
    (file_id,) = world.upload(1)
    jobs = [
        {
            "pipeline": "noop",
            "files": [file_id],
            "name": f"Plate 7, well {number:06}",
            "labels": {"plate": "7", "well": f"{number:06}", "experiment": "dose response"},
            "parameters": {"noop": {}},
        }
        for number in range(JOBS)
    ]
    body = json.dumps({"jobs": [*jobs[:-1], {**jobs[-1], "files": ["f" * 24]}]})
    assert len(body) > world.settings.request_limit_bytes
    refused = client.post("/api/v1/batches", data=body, content_type="application/json")
    assert (refused.status_code, refused.json["field"]) == (422, f"jobs.{JOBS - 1}.files.0")
    assert client.get("/api/v1/jobs/statistics").json["total"] == 0
    assert client.get("/api/v1/batches").json["items"] == []
    made = client.post("/api/v1/batches", json={"jobs": jobs})
    assert (made.status_code, len(made.json["jobs"])) == (201, JOBS)
    assert client.get("/api/v1/jobs/statistics").json["by_state"]["pending"] == JOBS
    assert client.get(f"/api/v1/batches/{made.json['id']}").json["counts"]["pending"] == JOBS
