"""MCRIT's page and real system over the engine in memory."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from jobengine.domain.reports import ReportKind
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like
from tests.unit.engine.world import World

PAGE_JOB = {
    "job_id": "507f1f77bcf86cd799439011",
    "method": "addBinarySample",
    "state": "finished",
    "created": "2024-01-15T10:30:00",
    "finished": "2024-01-15T10:31:00",
    "parameters": {},
    "result_id": "507f191e810c19729de860ea",
}
REAL_JOB = {
    "_id": {"$oid": "6b0389f485c6f6e38782bcc1"},
    "number": 0,
    "priority": 0,
    "attempts_left": 3,
    "locked_by": "Worker-1",
    "locked_at": {"$date": "2026-11-23T00:33:56.355Z"},
    "last_error": "text",
    "created_at": {"$date": "2026-11-23T00:33:56.355Z"},
    "started_at": {"$date": "2026-11-23T00:33:56.355Z"},
    "finished_at": {"$date": "2026-11-23T00:33:56.355Z"},
    "terminated": False,
    "notify_done": False,
    "result": "507f191e810c19729de860ea",
    "payload": {"method": "noop", "params": "{}", "file_params": "{}", "descriptor": "[]"},
    "required_by": [],
    "unfinished_dependencies": [],
    "all_dependencies": [],
}


def keyed(world: World, make_client: MakeClient, role: Role = Role.SUBMITTER, owner: str = "lab") -> FlaskClient:
    """A client with the header of the real system."""
    made = make_client(None)
    made.environ_base["HTTP_APITOKEN"] = world.engine.create_key(owner, role)
    return made


@pytest.fixture
def client(world: World, make_client: MakeClient) -> FlaskClient:
    """A submitter of the lab."""
    return keyed(world, make_client)


def data(client: FlaskClient, path: str, method: str = "GET", status: int = 200) -> Any:
    """What the envelope holds."""
    answer = client.open(path, method=method)
    assert answer.status_code == status, answer.json
    assert answer.json["status"] == ("successful" if status == 200 else "failed")
    return answer.json["data"]


def states(client: FlaskClient, path: str) -> list[str]:
    """The states of the listed jobs."""
    return [job["state"] for job in data(client, path)]


def test_a_finished_job_has_the_keys_of_the_page_and_of_the_real_system(world: World, client: FlaskClient) -> None:
    job = world.submit("noop", name="a sample")
    queued = data(client, f"/jobs/{job.id}")
    assert (queued["state"], queued["result"], queued["started_at"], queued["locked_by"]) == (
        "queued",
        None,
        None,
        None,
    )
    assert "progress" not in queued
    world.finish()
    finished = data(client, f"/jobs/{job.id}/")
    for example in (PAGE_JOB, REAL_JOB):
        assert_like(example, finished, nullable={"$.last_error"})
    assert (finished["state"], finished["progress"], finished["attempts_left"]) == ("finished", 1.0, 3)
    result = data(client, f"/jobs/{job.id}/result")
    assert data(client, f"/results/{finished['result_id']}") == result
    assert data(client, f"/results/{finished['result_id']}/job") == finished


def test_states_follow_from_the_keys_as_the_real_clients_work_them_out(world: World, client: FlaskClient) -> None:
    failed, terminated, running = (world.submit("noop") for _ in range(3))
    world.engine.cancel(None, [terminated.id])
    (delivery,) = [found for found in world.take() if len(found.tasks)][:1]
    by_job = {task.job_id: task for task in delivery.tasks}
    world.say(ReportKind.STARTED, delivery, by_job[failed.id])
    world.say(ReportKind.FAILED, delivery, by_job[failed.id], kind="step", message="no")
    if running.id in by_job:
        world.say(ReportKind.STARTED, delivery, by_job[running.id])
    world.engine.record()
    document = data(client, f"/jobs/{failed.id}")
    assert (document["attempts_left"], document["finished_at"], document["terminated"]) == (0, None, False)
    assert document["state"] == "failed"
    assert data(client, f"/jobs/{failed.id}/result") is None
    document = data(client, f"/jobs/{terminated.id}")
    assert (document["terminated"], document["state"]) == (True, "terminated")


def test_lists_start_limit_order_and_filter(world: World, client: FlaskClient) -> None:
    jobs = [
        world.submit(pipeline, name=f"sample {n}") for n, pipeline in enumerate(("noop", "cells", "noop", "strict"))
    ]
    ids = [job.id for job in jobs]
    assert [job["job_id"] for job in data(client, "/jobs/?")] == ids[::-1]
    assert [job["job_id"] for job in data(client, "/jobs?ascending=True&limit=2&start=1")] == ids[1:3]
    assert [job["job_id"] for job in data(client, f"/jobs?ascending=true&start={ids[1]}")] == ids[2:]
    assert [job["job_id"] for job in data(client, "/jobs?method=noop")] == [ids[2], ids[0]]
    assert [job["job_id"] for job in data(client, "/jobs?filter=sample 3")] == [ids[3]]
    assert [job["job_id"] for job in data(client, "/jobs?filter=cells(")] == [ids[1]]
    assert len(data(client, "/jobs?limit=many&start=some")) == 4


def test_both_words_for_a_running_job_find_it(world: World, client: FlaskClient) -> None:
    world.submit("noop")
    world.finish()
    world.submit("cells")
    (delivery,) = world.take()
    world.say(ReportKind.STARTED, delivery, delivery.tasks[0])
    world.engine.record()
    assert states(client, "/jobs?state=processing") == ["in_progress"]
    assert states(client, "/jobs?state=in_progress") == ["in_progress"]
    assert states(client, "/jobs?state=finished") == ["finished"]
    assert states(client, "/jobs?state=unheard-of") == []


def test_statistics_count_by_state_and_by_method(world: World, client: FlaskClient) -> None:
    world.submit("noop")
    world.finish()
    world.submit("cells")
    counted = data(client, "/jobs/stats/?with_refresh=True")
    assert_like({"total_jobs": 150, "finished": 140, "processing": 5, "failed": 5}, counted)
    assert (counted["total_jobs"], counted["finished"], counted["queued"]) == (2, 1, 1)
    assert counted["noop"] == {"queued": 0, "in_progress": 0, "finished": 1, "failed": 0, "terminated": 0}


def test_deleting_one_and_many(world: World, client: FlaskClient) -> None:
    old, other, new = world.submit("noop"), world.submit("cells"), None
    world.now += 10 * 86_400
    new = world.submit("noop")
    assert data(client, "/jobs?method=noop&created_before=1970-01-05", "DELETE") == {"num_deleted": 1}
    assert data(client, f"/jobs/{old.id}") is None
    assert data(client, f"/jobs/{other.id}", "DELETE") == {"num_deleted": 1}
    assert data(client, f"/jobs/{other.id}", "DELETE") == {"num_deleted": 0}
    assert data(client, "/jobs?finished_before=2030-01-01T00:00:00", "DELETE") == {"num_deleted": 0}
    assert [job["job_id"] for job in data(client, "/jobs")] == [new.id]


@pytest.mark.parametrize(
    "query", ["created_before=yesterday", "finished_before=2024-13-01", "created_before=", "owner=me", "methods=noop"]
)
def test_what_cannot_be_read_deletes_nothing_and_says_so(world: World, client: FlaskClient, query: str) -> None:
    job = world.submit("noop")
    assert "nothing was deleted" in data(client, f"/jobs?{query}", "DELETE", 400)["message"]
    assert data(client, f"/jobs/{job.id}") is not None


@pytest.mark.parametrize("identifier", ["zz", "a" * 23, "a" * 25, "None", "a" * 24 + "\n"])
def test_ids_have_24_digits_and_no_more(client: FlaskClient, identifier: str) -> None:
    for path, word in ((f"/jobs/{identifier}", "Job"), (f"/results/{identifier}", "Result")):
        message = data(client, path.replace("\n", "%0A"), status=400)["message"]
        assert message == f"Valid {word}IDs are hexstrings with 24 characters."


def test_unknown_ids(client: FlaskClient) -> None:
    assert data(client, f"/jobs/{'f' * 24}") is None
    assert data(client, f"/jobs/{'f' * 24}/result") is None
    assert client.get(f"/results/{'f' * 24}").status_code == 404


def test_compact_leaves_out_the_functions(world: World, client: FlaskClient) -> None:
    job = world.submit("noop")
    (delivery,) = world.take()
    matches = {"matches": {"functions": [1], "samples": [2]}, "info": 1}
    world.say(ReportKind.SUCCEEDED, delivery, delivery.tasks[0], result=matches, artifacts=[])
    world.engine.record()
    assert data(client, f"/jobs/{job.id}/result?compact=False") == matches
    assert data(client, f"/jobs/{job.id}/result?compact=True") == {"matches": {"samples": [2]}, "info": 1}


def test_refusals_are_in_its_own_words(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    job = world.submit("noop")
    nobody = make_client(None)
    assert nobody.get("/jobs").json["title"] == "API token required"
    wrong = nobody.get("/jobs", headers={"apitoken": "je_wrong"})
    assert (wrong.status_code, wrong.json["title"]) == (401, "Authentication required")
    posted = client.post("/jobs")
    assert (posted.status_code, posted.json) == (405, {"title": "405 Method Not Allowed"})
    assert "DELETE" in posted.headers["Allow"]
    assert client.get(f"/jobs/{job.id}/nothing").json == {"title": "404 Not Found"}
    stranger = keyed(world, make_client, owner="other")
    assert data(stranger, f"/jobs/{job.id}") is None
    assert data(stranger, f"/jobs/{job.id}", "DELETE") == {"num_deleted": 0}
    assert data(stranger, "/jobs", "DELETE") == {"num_deleted": 0}
    viewer = keyed(world, make_client, Role.VIEWER)
    assert viewer.delete(f"/jobs/{job.id}").status_code == 403
    assert data(client, f"/jobs/{job.id}") is not None
