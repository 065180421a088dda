"""SampleDB's pages over the engine in memory."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like, example_of
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
def admin(world: World, make_client: MakeClient) -> FlaskClient:
    """A client that sees everybody's jobs."""
    return keyed(world, make_client, Role.ADMIN, "operators")


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


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/json", b'{"a": 1}'),
        ("application/json", b"not JSON at all"),
        ("application/x-www-form-urlencoded", b"MZ=1&x=%00"),
        ("application/octet-stream", b"MZ"),
        ("", b"MZ"),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_sample_is_the_body_whatever_it_is(
    submitter: FlaskClient, media_type: str, data: bytes, is_chunked: bool
) -> None:
    # As the server of WSGI hands a body on that comes in chunks: without a length, and with an end.
    chunked = {"input_stream": io.BytesIO(data), "environ_overrides": {"wsgi.input_terminated": True}}
    sent = chunked if is_chunked else {"data": data}
    answer = submitter.post(f"{V2}/sample", content_type=media_type, **sent)
    assert answer.status_code == 201, answer.json
    sample = answer.json["data"]
    assert (sample["sha256"], sample["size"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_a_sample_may_be_a_part_of_a_form(submitter: FlaskClient) -> None:
    answer = submitter.post(f"{V2}/sample", data={"file": (io.BytesIO(b"MZ"), "a.exe")})
    assert (answer.json["data"]["size"], answer.json["data"]["fileName"]) == (2, "a.exe")


@pytest.mark.parametrize("body", [{"data": b""}, {"data": {"other": (io.BytesIO(b"MZ"), "a.exe")}}])
def test_a_sample_without_bytes_is_a_412(submitter: FlaskClient, body: Any) -> None:
    answer = submitter.post(f"{V2}/sample", **body)
    assert (answer.status_code, answer.json["messages"][0]["field"]) == (412, "file")


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
    searched = analyzer.post(f"{V2}/job/search", json={"sampleSha256": [sha256], "state": ["enqueued"]}).json
    assert [job["id"] for job in searched["data"]] == [jobs[2]["id"]]
    later = {"startTimestamp": jobs[0]["enqueuedTimestamp"] + 1000, "timeFieldStrategy": ["all"]}
    assert analyzer.post(f"{V2}/job/search", json=later).json["data"] == []
    assert analyzer.post(f"{V2}/job/search", json={"customer": ["somebody"]}).json["data"] == []
    assert analyzer.post(f"{V2}/job/search", json={"customer": ["lab"], "limit": 0}).json["count"] == 3


def found(client: FlaskClient, **criteria: Any) -> list[str]:
    """The IDs of the jobs that a search finds, in order."""
    answer = client.post(f"{V2}/job/search", json=criteria)
    assert answer.status_code == 200, answer.json
    assert answer.json["count"] == len(answer.json["data"])
    return [job["id"] for job in answer.json["data"]]


def test_jobs_are_searched_by_customers(
    world: World, make_client: MakeClient, admin: FlaskClient, submitter: FlaskClient
) -> None:
    ours = submit(submitter)
    theirs = submit(keyed(world, make_client, Role.SUBMITTER, "lab1"))
    other = submit(keyed(world, make_client, Role.SUBMITTER, "lab2"))
    assert found(admin, customer=["lab1"]) == [theirs["id"]]
    number = theirs["customer"]["id"]
    assert found(admin, customer=[number]) == found(admin, customer=[str(number)]) == [theirs["id"]]
    assert found(admin, customer=[world.job(theirs["id"]).owner_id]) == [theirs["id"]]
    assert found(admin, customer=["lab1", "lab", "nobody"]) == [theirs["id"], ours["id"]]
    assert found(admin, customer=["nobody"]) == []
    assert found(admin) == [other["id"], theirs["id"], ours["id"]]
    assert found(submitter, customer=["lab"]) == found(submitter) == [ours["id"]]
    assert found(submitter, customer=["lab1"]) == []


def test_a_customer_is_found_however_many_there_are(world: World, make_client: MakeClient, admin: FlaskClient) -> None:
    first = submit(keyed(world, make_client, Role.SUBMITTER, "first"))
    for number in range(60):
        world.engine.create_key(f"lab{number}", Role.VIEWER)
    assert found(admin, customer=["first"]) == [first["id"]]


@pytest.mark.thorough
def test_jobs_are_sorted_by_their_state_and_by_one_time(
    world: World, analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    jobs = []
    for number in range(4):
        world.now += 1
        jobs.append(submit(submitter, f"sample {number}".encode())["id"])
    for job_id in (jobs[1], jobs[2]):
        analyzer.put(f"{V2}/job/{job_id}", json={"state": "executing"})
    analyzer.delete(f"{V2}/job/{jobs[3]}")
    for words, order in (
        (["state"], [3, 0, 1, 2]),
        (["-state"], [2, 1, 0, 3]),
        (["state", "-enqueuedTimestamp"], [3, 0, 2, 1]),
        (["-state", "+enqueuedTimestamp"], [1, 2, 0, 3]),
        (["-startTimestamp"], [2, 1, 3, 0]),
        (["enqueuedTimestamp"], [0, 1, 2, 3]),
    ):
        wanted = [jobs[place] for place in order]
        assert found(analyzer, sortBy=words, limit=0) == found(analyzer, sortBy=words) == wanted
        query = "&".join(f"sortBy={word.replace('+', '%2B')}" for word in words)
        assert [job["id"] for job in analyzer.get(f"{V2}/job?{query}").json["data"]] == wanted
        for limit in (1, 3):
            pages = [analyzer.get(f"{V2}/job?{query}&limit={limit}&offset={offset}").json for offset in range(5)]
            assert {page["count"] for page in pages} == {4}
            shown = [[job["id"] for job in page["data"]] for page in pages]
            assert shown == [wanted[offset : offset + limit] for offset in range(5)]
    assert found(analyzer, sortBy=["state"], state=["executing", "aborted"]) == [jobs[3], *jobs[1:3]]


def test_a_search_by_time_matches_any_or_all_of_the_times(
    world: World, analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    world.now = 2000.0
    started_later = submit(submitter)["id"]
    enqueued_only = submit(submitter)["id"]
    world.now = 3000.0
    analyzer.put(f"{V2}/job/{started_later}", json={"state": "executing"})
    late = submit(submitter)["id"]
    times = {"startTimestamp": 2_500_000, "endTimestamp": "1970-01-01T01:00:00Z"}
    fields = ["enqueuedTimestamp", "startTimestamp"]
    assert found(analyzer, **times) == [late]
    assert found(analyzer, **times, timeFieldStrategy=fields) == [late, started_later]
    assert found(analyzer, **times, timeFieldStrategy=fields, timeMatchStrategy="all") == []
    assert found(analyzer, **times, timeFieldStrategy=["startTimestamp"]) == [started_later]
    assert found(analyzer, **times, timeFieldStrategy=["all"], limit=0) == [late, started_later]
    assert found(analyzer, startTimestamp="-20 minutes", timeFieldStrategy=["endTimestamp"]) == []
    both = {"startTimestamp": 1_500_000, "timeFieldStrategy": fields, "timeMatchStrategy": "all"}
    assert found(analyzer, **both) == [started_later]
    assert found(analyzer, timeFieldStrategy=["all"], timeMatchStrategy="all") == [late, enqueued_only, started_later]


def test_a_job_that_ran_out_of_time_is_told_from_one_that_is_done(
    world: World, analyzer: FlaskClient, submitter: FlaskClient
) -> None:
    kinds = {}
    for kind in ("step", "timeout"):
        world.announce()
        job = submit(submitter, kind.encode(), metaData={"pipeline": "strict"})
        while not world.job(job["id"]).state.is_final:
            world.finish(lambda delivery, task, kind=kind: {"kind": kind, "message": "no"})
            world.now += 60.0
            world.announce()
        kinds[kind] = job["id"]
    url = f"{V2}/job"
    assert analyzer.get(f"{url}/{kinds['step']}").json["data"]["state"] == "done"
    assert analyzer.get(f"{url}/{kinds['timeout']}").json["data"]["state"] == "timeout"
    assert "timeout" in {task["state"] for task in analyzer.get(f"{url}/{kinds['timeout']}/tasks").json["data"]}
    assert found(analyzer, state=["timeout"]) == [kinds["timeout"]]
    assert found(analyzer, state=["done"]) == [kinds["step"]]
    assert found(analyzer, state=["done", "timeout"]) == [kinds["timeout"], kinds["step"]]
    assert found(analyzer, state=["enqueued", "timeout"]) == [kinds["timeout"]]
    assert found(analyzer, sortBy=["-state"]) == [kinds["timeout"], kinds["step"]]
    assert found(analyzer, sortBy=["state"]) == [kinds["step"], kinds["timeout"]]


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
