"""What SampleDB's pages refuse, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.argus.sampledb import STASH, V2, keyed, submit
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("get", "/job?bogus=1", "bogus"),
        ("get", "/job?limit=1&limit=2", "limit"),
        ("get", "/job?sortBy=state&sortBy=age", "sortBy"),
        ("get", "/job?sortBy=--state", "sortBy"),
        ("get", "/job?sortBy=state&sortBy=state", "sortBy"),
        ("get", "/job?sortBy=-startTimestamp&sortBy=state", "sortBy"),
        ("get", "/job?sortBy=-startTimestamp&sortBy=enqueuedTimestamp", "sortBy"),
        ("get", "/job?state=asleep", "state"),
        ("post", "/job/search?limit=1", "limit"),
        ("get", "/job/{job}?state=done", "state"),
        ("put", "/job/{job}?state=done", "state"),
        ("delete", "/job/{job}?force=1", "force"),
        ("get", "/job/{job}/tasks?state=failed", "state"),
        ("get", "/job/{job}/tasks?sortBy=worker&sortBy=age", "sortBy"),
        ("post", "/job/{job}/task?worker=w", "worker"),
        ("get", "/job/{job}/task/{job}?x=", "x"),
        ("post", "/sample?name=a", "name"),
        ("get", "/sample/{sha256}?x=1", "x"),
        ("post", "/sample/{sha256}/submission?x=1", "x"),
        ("put", "/sample/{sha256}/reanalyse?x=1", "x"),
    ],
)
def test_an_argument_that_nobody_reads_is_a_412_with_its_name(
    admin: FlaskClient, submitter: FlaskClient, method: str, path: str, field: str
) -> None:
    job = submit(submitter)
    path = path.format(job=job["id"], sha256=job["analysedSample"]["id"])
    answer = getattr(admin, method)(f"{V2}{path}")
    assert answer.status_code == 412
    (message,) = answer.json["messages"]
    assert (message["type"], message["field"]) == ("FIELD_ERROR", field)
    assert admin.get(f"{V2}/job/{job['id']}").json["data"]["state"] == "enqueued"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"timeMatchStrategy": "some"}, "timeMatchStrategy"),
        ({"timeMatchStrategy": ["any"]}, "timeMatchStrategy"),
        ({"timeFieldStrategy": ["age"]}, "timeFieldStrategy"),
        ({"startTimestamp": "someday"}, "startTimestamp"),
        ({"endTimestamp": True}, "endTimestamp"),
        ({"sortBy": ["-state", "age"]}, "sortBy"),
        ({"state": ["asleep"]}, "state"),
        ({"customer": "lab"}, "customer"),
        ({"customer": [True]}, "customer"),
        ({"limit": -1}, "limit"),
        ({"bogus": 1}, "bogus"),
    ],
)
def test_a_bad_criterion_is_a_412_with_its_field(analyzer: FlaskClient, body: Any, field: str) -> None:
    answer = analyzer.post(f"{V2}/job/search", json=body)
    assert answer.status_code == 412
    assert [message["field"] for message in answer.json["messages"]] == [field]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", "/job/{job}"),
        ("post", "/job/{job}/task"),
        ("put", "/job/{job}/task/{task}"),
        ("post", "/sample/{sha256}/submission"),
    ],
)
def test_a_name_in_a_body_that_nobody_reads_is_a_412_and_changes_nothing(
    admin: FlaskClient, submitter: FlaskClient, method: str, path: str
) -> None:
    job = submit(submitter)
    task = admin.post(f"{V2}/job/{job['id']}/task", json={"worker": "w"}).json["data"]["id"]
    path = path.format(job=job["id"], sha256=job["analysedSample"]["id"], task=task)
    body = {"bogus": 1} if "submission" in path else {"state": "executing", "bogus": 1}
    answer = getattr(admin, method)(f"{V2}{path}", json=body)
    assert answer.status_code == 412
    assert [message["field"] for message in answer.json["messages"]] == ["bogus"]
    assert admin.get(f"{V2}/job/{job['id']}").json["data"]["state"] == "enqueued"


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
