"""SampleDB's lists and searches: which jobs, in which order."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.argus.sampledb import V2, found, keyed, submit
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World


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


@pytest.mark.parametrize(("count", "order"), [(600, []), (600, ["-state"]), (40_000, [])])
def test_a_search_may_name_many_samples(submitter: FlaskClient, count: int, order: list[str]) -> None:
    jobs = [submit(submitter, f"sample {number}".encode()) for number in range(2)]
    known = [job["analysedSample"]["id"] for job in jobs]
    hashes = [f"{number:064x}" for number in range(count)]
    assert found(submitter, sampleSha256=[*hashes, *known], sortBy=order) == [job["id"] for job in reversed(jobs)]
