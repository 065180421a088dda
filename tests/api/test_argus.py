"""SampleDB's pages over the engine in memory."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

V2 = "/sampledb/v2"
STASH = {"responseCode", "limit", "offset", "count", "size", "metaData", "messages", "data"}


def keyed(world: World, make_client: MakeClient, role: Role, owner: str = "lab") -> FlaskClient:
    """A client with the header of the page."""
    made = make_client(None)
    made.environ_base["HTTP_ARGUS_API_KEY"] = world.engine.create_key(owner, role)
    return made


@pytest.fixture
def analyzer(world: World, make_client: MakeClient) -> FlaskClient:
    """A client that may add and move tasks."""
    return keyed(world, make_client, Role.ANALYZER)


@pytest.fixture
def submitter(world: World, make_client: MakeClient) -> FlaskClient:
    """A client that may submit samples."""
    return keyed(world, make_client, Role.SUBMITTER)


def submit(client: FlaskClient, data: bytes = b"MZ", **body: Any) -> dict[str, Any]:
    """Submit a sample; its job."""
    added = client.post(f"{V2}/sample", data=data, content_type="application/octet-stream")
    assert added.status_code == 201, added.json
    sha256 = hashlib.sha256(data).hexdigest()
    assert added.json["data"]["sha256"] == sha256
    answer = client.post(f"{V2}/sample/{sha256}/submission", json=body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json["data"]["job"])


def test_a_job_from_the_sample_to_its_end(analyzer: FlaskClient, submitter: FlaskClient) -> None:
    job = submit(submitter, fileName="a.exe")
    assert job["state"] == "enqueued"
    assert job["analysedSample"] == {"id": hashlib.sha256(b"MZ").hexdigest(), "size": 2}
    assert isinstance(job["enqueuedTimestamp"], int)
    assert "startTimestamp" not in job
    url = f"{V2}/job/{job['id']}"
    added = analyzer.post(f"{url}/task", json={"worker": "static-analysis", "state": "enqueued"})
    assert (added.status_code, set(added.json)) == (201, STASH)
    task = added.json["data"]
    assert (task["worker"], task["state"]) == ("static-analysis", "enqueued")
    assert "message" not in task
    assert analyzer.put(f"{url}/task/{task['id']}", json={"state": "executing"}).json["data"]["state"] == "executing"
    assert analyzer.get(url).json["data"]["state"] == "executing"
    early = analyzer.put(url, json={"state": "done"})
    assert early.status_code == 412
    done = analyzer.put(f"{url}/task/{task['id']}", json={"state": "success", "analysisID": "7512c89c"}).json["data"]
    assert (done["analysis"], done["analyses"]) == ({"id": "7512c89c"}, [{"id": "7512c89c"}])
    listed = analyzer.get(f"{url}/tasks").json
    assert (listed["count"], listed["size"], listed["data"]) == (1, 1, [done])
    assert analyzer.get(f"{url}/task/{task['id']}").json["data"] == done
    assert analyzer.put(url, json={"state": "done"}).json["data"]["state"] == "done"


def test_a_task_sent_again_is_the_same_task(analyzer: FlaskClient, submitter: FlaskClient) -> None:
    url = f"{V2}/job/{submit(submitter)['id']}/task"
    for state in ("enqueued", "executing", "success", "failed"):
        body = {"worker": f"w-{state}", "state": state}
        ids = {analyzer.post(url, json=body).json["data"]["id"] for _ in range(4)}
        assert len(ids) == 1, state


def test_newer_clients_name_several_analyses(analyzer: FlaskClient, submitter: FlaskClient) -> None:
    url = f"{V2}/job/{submit(submitter)['id']}/task"
    task = analyzer.post(url, json={"worker": "w"}).json["data"]
    done = analyzer.put(f"{url}/{task['id']}", json={"state": "success", "analyses": ["a", "b"]}).json["data"]
    assert (done["analysis"], done["analyses"]) == ({"id": "a"}, [{"id": "a"}, {"id": "b"}])


def test_jobs_are_listed_and_searched(analyzer: FlaskClient, submitter: FlaskClient) -> None:
    jobs = [submit(submitter, f"sample {number}".encode()) for number in range(3)]
    analyzer.delete(f"{V2}/job/{jobs[0]['id']}")
    newest_first = [job["id"] for job in reversed(jobs)]
    assert [job["id"] for job in analyzer.get(f"{V2}/job").json["data"]] == newest_first
    page = analyzer.get(f"{V2}/job?limit=1&offset=1&sortBy=enqueuedTimestamp").json
    assert ([job["id"] for job in page["data"]], page["count"], page["size"]) == ([jobs[1]["id"]], 3, 1)
    aborted = analyzer.get(f"{V2}/job?state=aborted&state=timeout").json
    assert [(job["id"], job["state"]) for job in aborted["data"]] == [(jobs[0]["id"], "aborted")]
    assert analyzer.get(f"{V2}/job?state=timeout").json["data"] == []
    sha256 = jobs[2]["analysedSample"]["id"]
    found = analyzer.post(f"{V2}/job/search", json={"sampleSha256": [sha256], "state": ["enqueued"]}).json
    assert [job["id"] for job in found["data"]] == [jobs[2]["id"]]
    later = {"startTimestamp": jobs[0]["enqueuedTimestamp"] + 1000, "timeFieldStrategy": ["all"]}
    assert analyzer.post(f"{V2}/job/search", json=later).json["data"] == []
    assert analyzer.post(f"{V2}/job/search", json={"customer": ["somebody"]}).json["data"] == []
    assert analyzer.post(f"{V2}/job/search", json={"customer": ["lab"], "limit": 0}).json["count"] == 3


def test_roles_hold(world: World, make_client: MakeClient, analyzer: FlaskClient, submitter: FlaskClient) -> None:
    job = submit(submitter)
    viewer = keyed(world, make_client, Role.VIEWER)
    assert viewer.get(f"{V2}/job/{job['id']}").status_code == 200
    assert viewer.post(f"{V2}/job/{job['id']}/task", json={"worker": "w"}).status_code == 403
    assert submitter.post(f"{V2}/job/{job['id']}/task", json={"worker": "w"}).status_code == 403
    stranger = keyed(world, make_client, Role.ANALYZER, "other")
    assert stranger.get(f"{V2}/job/{job['id']}").status_code == 404
    assert stranger.post(f"{V2}/job/{job['id']}/task", json={"worker": "w"}).status_code == 404
    assert analyzer.get("/authentication/v1/session").json["data"]["user"]["name"] == "lab"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "worker"),
        ({"worker": "a b"}, "worker"),
        ({"worker": ""}, "worker"),
        ({"worker": "w", "state": "asleep"}, "state"),
        ({"worker": "w", "state": "timeout"}, "state"),
        ({"worker": ["w"]}, "worker"),
    ],
)
def test_a_bad_task_is_a_412_with_its_field(
    analyzer: FlaskClient, submitter: FlaskClient, body: Any, field: str
) -> None:
    answer = analyzer.post(f"{V2}/job/{submit(submitter)['id']}/task", json=body)
    assert (answer.status_code, set(answer.json)) == (412, STASH)
    (message,) = answer.json["messages"]
    assert (message["type"], message["field"]) == ("FIELD_ERROR", field)


def test_refusals_are_in_the_envelope_also_those_of_the_framework(
    make_client: MakeClient, analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    job = submit(submitter)
    url = f"{V2}/job/{job['id']}"
    task = analyzer.post(f"{url}/task", json={"worker": "w"}).json["data"]
    for answer, status in (
        (make_client(None).get(url), 401),
        (analyzer.get(f"{V2}/job/{'f' * 24}"), 404),
        (analyzer.get(f"{V2}/job/zz"), 404),
        (analyzer.get(f"{V2}/nothing"), 404),
        (analyzer.patch(url), 405),
        (analyzer.put(f"{url}/task/{task['id']}", json={"state": "success"}), 412),
        (analyzer.put(f"{url}/task/{task['id']}", json={"state": "enqueued"}), 412),
        (analyzer.post(f"{url}/task", data="{", content_type="application/json"), 412),
        (analyzer.get(f"{url}/tasks?limit=-1"), 412),
        (analyzer.get(f"{url}/tasks?sortBy=age"), 412),
        (analyzer.post(f"{V2}/job/search", json={"startTimestamp": "someday"}), 412),
    ):
        assert answer.status_code == status, answer.json
        assert set(answer.json) == STASH
        assert answer.json["responseCode"] == status
        assert all({"message", "type"} <= set(message) for message in answer.json["messages"])


def test_a_job_of_our_own_workers_shows_its_tasks_and_cannot_be_moved(
    world: World, analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    job = submit(submitter, metaData={"pipeline": "noop"})
    url = f"{V2}/job/{job['id']}"
    (task,) = analyzer.get(f"{url}/tasks").json["data"]
    assert task["worker"] == "test.noop"
    assert analyzer.put(f"{url}/task/{task['id']}", json={"state": "executing"}).status_code == 412
    assert analyzer.put(url, json={"state": "done"}).status_code == 412
    world.finish()
    assert analyzer.get(url).json["data"]["state"] == "done"
    assert analyzer.get(f"{url}/task/{task['id']}").json["data"]["state"] == "success"
