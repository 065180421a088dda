"""The rest of the native API: criteria, drafts, batches, limits, external tasks, explanations, logs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from jobengine.domain.reports import ReportKind
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

NODES = [{"key": "first", "step": "test.noop"}, {"key": "then", "step": "test.tables", "after": ["first"]}]


def ids(client: FlaskClient, query: str) -> list[str]:
    """The IDs of the listed jobs."""
    answer = client.get(f"/api/v1/jobs?{query}")
    assert answer.status_code == 200, answer.json
    return [job["id"] for job in answer.json["items"]]


def test_jobs_are_found_by_every_criterion(world: World, make_client: MakeClient) -> None:
    client = make_client()
    first = world.submit("noop", name="alpha", labels={"plate": "7"}, priority=9)
    world.finish()
    world.now += 100
    second = world.submit("cells", name="beta")
    assert ids(client, "") == [second.id, first.id]
    assert ids(client, "order=ascending") == [first.id, second.id]
    assert ids(client, "sort=name&order=ascending") == [first.id, second.id]
    assert ids(client, "sort=priority") == [first.id, second.id]
    assert ids(client, "state=succeeded&state=failed") == [first.id]
    assert ids(client, "pipeline=cells") == [second.id]
    assert ids(client, "text=ALPH") == [first.id]
    assert ids(client, "label=plate=7") == [first.id]
    assert ids(client, "created_before=1970-01-01T00:17:00Z") == [first.id]
    assert ids(client, "created_after=1970-01-01T00:17:00Z") == [second.id]
    assert ids(client, "finished_after=1970-01-01") == [first.id]
    assert ids(client, f"id={second.id}&id={first.id}") == [second.id, first.id]
    assert ids(client, "pipeline=noop&text=beta") == []
    assert ids(client, "limit=1&offset=1") == [first.id]
    assert ids(client, f"limit=1&cursor={second.id}") == [first.id]


def test_statistics_by_state_and_by_pipeline(world: World, make_client: MakeClient) -> None:
    world.submit("noop")
    world.finish()
    world.submit("cells")
    counted = make_client().get("/api/v1/jobs/statistics").json
    assert (counted["total"], counted["by_state"]["succeeded"], counted["by_state"]["pending"]) == (2, 1, 1)
    assert counted["by_pipeline"] == {"noop": {"succeeded": 1}, "cells": {"pending": 1}}


def test_many_are_canceled_and_deleted_by_criteria_after_a_dry_run(world: World, make_client: MakeClient) -> None:
    client = make_client()
    jobs = [world.submit(name) for name in ("noop", "noop", "cells")]
    dry = client.delete("/api/v1/jobs?pipeline=noop&dry_run=true").json
    assert dry == {"jobs": 2, "dry_run": True}
    assert client.post("/api/v1/jobs/cancel?pipeline=noop").json == {"jobs": 2, "dry_run": False}
    assert client.delete("/api/v1/jobs?state=canceled&pipeline=noop").json["jobs"] == 2
    assert ids(client, "") == [jobs[2].id]
    assert make_client(Role.ADMIN, "other").delete("/api/v1/jobs?all=true").json["jobs"] == 0
    assert client.delete("/api/v1/jobs?all=true").json["jobs"] == 1


def test_a_batch_is_accepted_whole_or_not_at_all(world: World, make_client: MakeClient) -> None:
    client = make_client()
    (file_id,) = world.upload(1)
    good = {"pipeline": "noop", "files": [file_id]}
    bad = client.post("/api/v1/batches", json={"jobs": [good, {"pipeline": "nothing"}]})
    assert (bad.status_code, bad.json["field"]) == (422, "jobs.1.pipeline")
    assert (ids(client, ""), client.get("/api/v1/batches").json["items"]) == ([], [])
    made = client.post("/api/v1/batches", json={"name": "b", "hardware": {"cpu": 2}, "jobs": [good] * 500}).json
    assert (len(made["jobs"]), made["counts"]["pending"], made["hardware"]) == (500, 500, {"cpu": 2})
    assert len(ids(client, f"batch={made['id']}&limit=1000")) == 500
    assert client.post(f"/api/v1/batches/{made['id']}/cancel").json == {"canceled": 500}
    assert client.delete(f"/api/v1/batches/{made['id']}").status_code == 204
    assert ids(client, "") == []


def test_the_same_key_replays_a_batch_and_refuses_another_body(world: World, make_client: MakeClient) -> None:
    client = make_client()
    (file_id,) = world.upload(1)
    body = {"jobs": [{"pipeline": "noop", "files": [file_id]}]}
    first = client.post("/api/v1/batches", json=body, headers={"Idempotency-Key": "k"})
    again = client.post("/api/v1/batches", json=body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.json) == (201, first.json)
    other = client.post("/api/v1/batches", json={**body, "name": "x"}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 409


def test_a_pipeline_goes_from_draft_to_published_to_retired(world: World, make_client: MakeClient) -> None:
    client = make_client()
    draft = client.post("/api/v1/pipelines", json={"name": "mine", "nodes": NODES[:1]}).json
    assert (draft["state"], draft["version"]) == ("draft", 1)
    url = f"/api/v1/pipelines/{draft['id']}"
    (file_id,) = world.upload(1)
    job = {"pipeline": "mine", "files": [file_id]}
    assert client.post("/api/v1/jobs", json=job).json["field"] == "pipeline"
    assert len(client.put(url, json={"name": "mine", "nodes": NODES}).json["nodes"]) == 2
    assert client.post(f"{url}/publish").json["state"] == "published"
    assert client.put(url, json={"name": "mine", "nodes": NODES[:1]}).status_code == 409
    made = client.post("/api/v1/jobs", json=job).json
    world.finish()
    assert client.get(f"/api/v1/jobs/{made['id']}").json["state"] == "succeeded"
    second = client.post("/api/v1/pipelines", json={"name": "mine", "nodes": NODES}).json
    assert second["version"] == 2
    assert client.post(f"{url}/retire").json["state"] == "retired"
    assert client.post("/api/v1/jobs", json={**job, "pipeline": draft["id"]}).status_code == 409
    assert make_client(Role.SUBMITTER, "other").get(url).status_code == 404


@pytest.mark.parametrize(
    ("nodes", "field"),
    [
        ([{"key": "a", "step": "nothing"}], "nodes.0.step"),
        ([{"key": "a", "step": "test.noop", "after": ["b"]}], "nodes.0.after"),
        ([{"key": "a", "step": "test.noop"}, {"key": "a", "step": "test.noop"}], "nodes.1.key"),
        (
            [
                {"key": "a", "step": "test.noop", "after": ["b"]},
                {"key": "b", "step": "test.noop", "after": ["a"]},
            ],
            "nodes",
        ),
        ([{"key": "a", "step": "test.segment", "parameters": {"sigma": -1}}], "parameters.a.sigma"),
    ],
)
def test_an_unsound_draft_is_refused_with_its_place(make_client: MakeClient, nodes: Any, field: str) -> None:
    client = make_client()
    body = {"name": "mine", "nodes": nodes}
    answer = client.post("/api/v1/pipelines/validate", json=body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
    draft = client.post("/api/v1/pipelines", json=body).json
    assert client.post(f"/api/v1/pipelines/{draft['id']}/publish").json["field"] == field


def test_keys_are_shown_once_and_end_when_they_are_revoked(make_client: MakeClient) -> None:
    admin = make_client(Role.ADMIN, "root")
    made = admin.post("/api/v1/keys", json={"owner": "lab", "role": "viewer", "expires_at": "1970-01-01T00:20:00Z"})
    assert made.status_code == 201, made.json
    visitor = make_client(None)
    headers = {"X-API-Key": made.json["key"]}
    assert visitor.get("/api/v1/me", headers=headers).json["role"] == "viewer"
    listed = admin.get("/api/v1/keys").json["items"]
    assert all("key" not in entry for entry in listed)
    assert {entry["id"]: entry for entry in listed}[made.json["id"]]["last_used_at"] is not None
    assert admin.delete(f"/api/v1/keys/{made.json['id']}").status_code == 204
    assert visitor.get("/api/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "end", ["9999-12-31T23:59:59-12:00", "9999-12-31", "0001-01-01", "1969-12-31T23:59:59Z", "1970-01-01T00:16:40Z", ""]
)
def test_an_expiry_that_has_passed_or_cannot_be_shown_is_refused(make_client: MakeClient, end: str) -> None:
    admin = make_client(Role.ADMIN, "root")
    made = admin.post("/api/v1/keys", json={"owner": "lab", "role": "viewer", "expires_at": end})
    assert (made.status_code, made.json["field"]) == (422, "expires_at")
    assert len(admin.get("/api/v1/keys").json["items"]) == 1


def test_an_owner_is_made_once_with_its_limits(make_client: MakeClient) -> None:
    admin = make_client(Role.ADMIN, "root")
    made = admin.post("/api/v1/owners", json={"name": "guests", "limits": {"queued_jobs": 2}})
    assert (made.status_code, made.json["limits"]["queued_jobs"]) == (201, 2)
    assert admin.get(f"/api/v1/owners/{made.json['id']}").json == made.json
    again = admin.post("/api/v1/owners", json={"name": "guests"})
    assert (again.status_code, again.json["field"]) == (409, "name")
    assert make_client(Role.SUBMITTER, "guests").get("/api/v1/me").json["owner"]["id"] == made.json["id"]


def test_a_job_names_its_batch(make_client: MakeClient) -> None:
    client = make_client()
    batch = client.post("/api/v1/batches", json={"jobs": [{"pipeline": "external"}]}).json
    assert client.get(f"/api/v1/jobs?batch={batch['id']}").json["items"][0]["batch"] == batch["id"]
    assert client.post("/api/v1/jobs", json={"pipeline": "external"}).json["batch"] is None


def test_limits_answer_429_with_a_time(world: World, make_client: MakeClient) -> None:
    admin, client = make_client(Role.ADMIN, "root"), make_client()
    owner = client.get("/api/v1/me").json["owner"]["id"]
    set_to = admin.put(f"/api/v1/owners/{owner}/limits", json={"queued_jobs": 1, "stored_bytes": 1})
    assert set_to.json["limits"]["queued_jobs"] == 1
    assert client.post("/api/v1/jobs", json={"pipeline": "external"}).status_code == 201
    refused = client.post("/api/v1/jobs", json={"pipeline": "external"})
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    other = make_client(Role.SUBMITTER, "fast")
    fast = other.get("/api/v1/me").json["owner"]["id"]
    admin.put(f"/api/v1/owners/{fast}/limits", json={"requests_per_second": 2})
    statuses = [make_client(Role.SUBMITTER, "fast2").get("/api/v1/jobs").status_code for _ in range(5)]
    assert statuses == [200] * 5


def test_an_owner_that_asks_too_often_is_told_to_wait(world: World, make_client: MakeClient) -> None:
    admin = make_client(Role.ADMIN, "root")
    made = admin.post("/api/v1/keys", json={"owner": "eager", "role": "viewer"}).json
    owners = {owner["name"]: owner["id"] for owner in admin.get("/api/v1/owners").json["items"]}
    admin.put(f"/api/v1/owners/{owners['eager']}/limits", json={"requests_per_second": 3})
    client, headers = make_client(None), {"X-API-Key": made["key"]}
    # Time stands still, as a slow machine would be allowed more while it is at it.
    client.application.extensions["jobengine-limits"].clock = lambda: 0.0
    answers = [client.get("/api/v1/jobs", headers=headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_an_analyzer_outside_adds_and_moves_a_task(make_client: MakeClient) -> None:
    client, analyzer = make_client(), make_client(Role.ANALYZER)
    job = client.post("/api/v1/jobs", json={"pipeline": "external"}).json
    task = analyzer.post(f"/api/v1/jobs/{job['id']}/tasks", json={"worker": "radar"}).json
    moved = analyzer.patch(f"/api/v1/tasks/{task['id']}", json={"state": "running", "fraction": 0.5}).json
    assert (moved["state"], client.get(f"/api/v1/jobs/{job['id']}").json["state"]) == ("running", "running")
    done = analyzer.patch(f"/api/v1/tasks/{task['id']}", json={"state": "succeeded", "result": {"n": 1}}).json
    assert done["state"] == "succeeded"
    assert client.get(f"/api/v1/jobs/{job['id']}/results").json["items"][0]["data"] == {"n": 1}
    late = analyzer.patch(f"/api/v1/tasks/{task['id']}", json={"state": "failed"})
    assert late.status_code == 409


def reasons(client: FlaskClient, job_id: str) -> dict[str, str]:
    """The reason of each node's tasks."""
    answer = client.get(f"/api/v1/jobs/{job_id}/explain")
    assert answer.status_code == 200, answer.json
    assert all(len(entry["sentence"]) > 10 for entry in answer.json["tasks"])
    return {entry["node"]: entry["reason"] for entry in answer.json["tasks"]}


def test_a_job_explains_where_its_tasks_are(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("cells")
    assert reasons(client, job.id) == {"segment": "turn", "measure": "predecessors", "tables": "predecessors"}
    (delivery,) = world.take()
    assert reasons(client, job.id)["segment"] == "queue"
    world.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    world.engine.record()
    assert reasons(client, job.id)["segment"] == "running"
    world.say(ReportKind.FAILED, delivery, delivery.tasks[0], kind="crash", message="out of ink")
    world.engine.record()
    answer = client.get(f"/api/v1/jobs/{job.id}/explain").json["tasks"][0]
    assert (answer["reason"], "out of ink" in answer["sentence"]) == ("retry", True)
    world.now += 1000
    assert reasons(client, job.id)["segment"] == "no_worker"
    world.announce()
    world.limit(running_tasks=0)
    assert reasons(client, job.id)["segment"] == "owner_limit"


def explained(client: FlaskClient, job_id: str) -> list[dict[str, Any]]:
    """What is said of each unfinished task."""
    return list(client.get(f"/api/v1/jobs/{job_id}/explain").json["tasks"])


def test_a_ready_task_says_behind_how_many_it_is(world: World, make_client: MakeClient) -> None:
    client = make_client()
    world.submit("noop", files=3)
    job = world.submit("noop", files=2)
    first, second = (entry["data"] for entry in explained(client, job.id))
    assert (first["ready"], second["ready"], first["sent"]) == (3, 4, 0)
    world.submit("noop", files=4, priority=9)
    assert [entry["data"]["ahead"] for entry in explained(client, job.id)] == [7, 8]


def test_the_last_failure_is_said_of_a_task_that_runs_again(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("cells")
    (delivery,) = world.take()
    world.say(ReportKind.FAILED, delivery, delivery.tasks[0], kind="crash", message="out of ink")
    world.engine.record()
    world.now += 20
    world.announce()
    (again,) = world.take()
    world.say(ReportKind.STARTED, again, again.tasks[0])
    world.engine.record()
    task = explained(client, job.id)[0]
    assert (task["reason"], "out of ink" in task["sentence"]) == ("running", True)
    assert task["data"]["last_failure"] == {"attempt": 1, "kind": "crash", "message": "out of ink"}


def test_the_attempt_that_is_under_way_is_listed(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("cells")
    task_id = world.tasks(job)[0].id
    assert client.get(f"/api/v1/tasks/{task_id}").json["attempts"] == []
    (delivery,) = world.take()
    world.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    world.engine.record()
    (attempt,) = client.get(f"/api/v1/tasks/{task_id}").json["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["finished_at"]) == (1, None, None)
    assert attempt["started_at"] is not None
    world.say(ReportKind.FAILED, delivery, delivery.tasks[0], kind="crash", message="out of ink")
    world.engine.record()
    (attempt,) = client.get(f"/api/v1/tasks/{task_id}").json["attempts"]
    assert (attempt["number"], attempt["failure_kind"], attempt["message"]) == (1, "crash", "out of ink")


def test_a_job_says_which_files_failed_and_why(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("noop", files=2)
    bad = world.tasks(job)[1].id
    world.finish(
        lambda delivery, task: {"kind": "step", "message": "This is no image."} if task.task_id == bad else None
    )
    answer = client.get(f"/api/v1/jobs/{job.id}").json
    (failed,) = answer["failed_files"]
    assert (failed["file"], failed["task"]) == (answer["files"][1], bad)
    assert (failed["failure_kind"], failed["message"]) == ("step", "This is no image.")
    assert failed["name"] == client.get(f"/api/v1/files/{failed['file']}").json["name"]
    assert client.get(f"/api/v1/jobs/{world.submit('noop').id}").json["failed_files"] == []


def test_an_administrator_sees_where_the_ledger_contradicts_itself(world: World, make_client: MakeClient) -> None:
    admin = make_client(Role.ADMIN, "root")
    uploaded = make_client().post("/api/v1/files", data={"files": (io.BytesIO(b"pixels"), "a.png")}).json["items"][0]
    assert admin.get("/api/v1/check").json == {"is_clean": True, "differences": []}
    world.artifacts.contents.clear()
    answer = admin.get("/api/v1/check").json
    (difference,) = answer["differences"]
    assert (answer["is_clean"], difference["invariant"], difference["subject_id"]) == (False, "bytes", uploaded["id"])
    assert difference["found"] != difference["expected"]
    assert make_client(Role.SUBMITTER).get("/api/v1/check").status_code == 403


def test_a_log_is_read_whole_from_its_end_and_in_ranges(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("noop")
    (delivery,) = world.take()
    for number in range(5):
        world.say(ReportKind.LOGGED, delivery, delivery.tasks[0], text=f"line {number}")
    world.engine.record()
    url = f"/api/v1/tasks/{world.tasks(job)[0].id}/log"
    assert client.get(url).text == "".join(f"line {number}\n" for number in range(5))
    assert client.get(f"{url}?tail=2").text == "line 3\nline 4\n"
    part = client.get(url, headers={"Range": "bytes=7-13"})
    assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "line 1\n", "bytes 7-13/35")
    assert client.get(f"{url}?tail=0").status_code == 422


def test_results_come_without_their_data_when_asked(world: World, make_client: MakeClient) -> None:
    client = make_client()
    job = world.submit("noop")
    world.finish()
    (whole,) = client.get(f"/api/v1/jobs/{job.id}/results").json["items"]
    (compact,) = client.get(f"/api/v1/jobs/{job.id}/results?compact=true").json["items"]
    assert (whole["data"] != {}, compact["data"], compact["id"]) == (True, {}, whole["id"])
