"""SampleDB's jobs and their tasks over the engine in memory."""

from __future__ import annotations

import hashlib

from flask.testing import FlaskClient

from tests.api.argus.sampledb import STASH, V2, submit
from tests.api.shapes import assert_like, example_of
from tests.unit.engine.world import World


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


def test_answers_have_the_keys_and_types_that_the_page_leads_its_readers_to(
    analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    url = f"{V2}/job/{submit(submitter)['id']}"
    added = analyzer.post(f"{url}/task", json=example_of("argus", "request to add a task")).json
    assert_like(example_of("argus", "added task"), added)
    task = f"{url}/task/{added['data']['id']}"
    assert_like(example_of("argus", "refused task"), analyzer.put(task, json={"state": "success"}).json)
    sent = {**example_of("argus", "request to update a task"), "message": "looked at"}
    updated = analyzer.put(task, json=sent).json
    assert_like(example_of("argus", "updated task"), updated)
    assert updated["data"]["analysis"]["id"] == sent["analysisID"]
    assert_like(example_of("argus", "updated task"), analyzer.get(task).json)
    assert_like(example_of("argus", "listed tasks"), analyzer.get(f"{url}/tasks").json)
    example = example_of("argus", "listed jobs")
    assert_like({**example, "data": example["data"][0]}, analyzer.put(url, json={"state": "done"}).json)
    assert_like({**example, "data": example["data"][0]}, analyzer.get(url).json)
    assert_like(example, analyzer.get(f"{V2}/job").json)
    assert_like(example, analyzer.post(f"{V2}/job/search", json={}).json)


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
