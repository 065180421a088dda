"""MCRIT's page and real system over the engine in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Job, Role
from jobengine.domain.reports import ReportKind
from jobengine.verbs.requests import JobRequest
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like, example_of
from tests.unit.engine.world import OWNER, World


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
    for key, value in example_of("mcrit", "real queued job").items():
        if value is None:
            assert queued[key] is None
    assert_like(example_of("mcrit", "real queued job"), queued)
    world.finish()
    finished = data(client, f"/jobs/{job.id}/")
    assert_like(example_of("mcrit", "real job"), finished)
    assert_like(example_of("mcrit", "fetched job"), client.get(f"/jobs/{job.id}").json)
    assert_like(example_of("mcrit", "listed jobs"), client.get("/jobs").json)
    assert_like(example_of("mcrit", "statistics"), client.get("/jobs/stats").json)
    assert (finished["state"], finished["progress"], finished["attempts_left"]) == ("finished", 1.0, 3)
    result = data(client, f"/jobs/{job.id}/result")
    assert data(client, f"/results/{finished['result_id']}") == result
    assert data(client, f"/results/{finished['result_id']}/job") == finished


def submit_in_each_state(world: World) -> dict[str, Job]:
    """A job in each state, by the real system's words; the failed and the terminated one had been started."""
    queued = world.submit("noop", name="queued")
    jobs = {word: world.submit("cells", name=word) for word in ("failed", "terminated", "in_progress", "finished")}
    world.engine.cancel(None, [queued.id])
    for delivery in world.take():
        for task in delivery.tasks:
            world.say(ReportKind.STARTED, delivery, task)
            if task.job_id == jobs["failed"].id:
                world.say(ReportKind.FAILED, delivery, task, kind="step", message="this is no picture")
            elif task.job_id == jobs["finished"].id:
                world.say(ReportKind.SUCCEEDED, delivery, task, result={"n": 1}, artifacts=[])
    world.engine.record()
    for _ in range(2):
        for delivery in world.take():
            world.work(delivery, lambda delivery, task: None)
        world.engine.record()
    world.engine.cancel(None, [jobs["terminated"].id])
    return {**jobs, "queued": world.submit("noop", name="queued")}


def test_states_follow_from_the_keys_as_the_real_system_works_them_out(world: World, client: FlaskClient) -> None:
    from mcrit.libs.mongoqueue import MongoQueue
    from mcrit.queue.LocalQueue import Job as TheirJob

    jobs = submit_in_each_state(world)
    for word, job in jobs.items():
        document = data(client, f"/jobs/{job.id}")
        assert (document["state"], MongoQueue._identifyJobState(None, document)) == (word, word)
        theirs = TheirJob(document, None)
        found = (theirs.is_finished, theirs.is_failed, theirs.is_terminated)
        assert found == (word == "finished", word == "failed", word == "terminated"), word
        assert (theirs.duration is not None) == (word == "finished")
        assert states(client, f"/jobs?state={word}&filter={word}") == [word]
        (listed,) = data(client, f"/jobs?filter={word}&limit=1")
        assert listed == document
    for word in ("failed", "in_progress", "terminated"):
        assert data(client, f"/jobs/{jobs[word].id}")["started_at"] is not None
        assert data(client, f"/jobs/{jobs[word].id}/result") is None


def test_a_failed_job_says_why(world: World, client: FlaskClient) -> None:
    jobs = submit_in_each_state(world)
    errors = {word: data(client, f"/jobs/{job.id}")["last_error"] for word, job in jobs.items()}
    assert errors == {**dict.fromkeys(jobs), "failed": "this is no picture"}


def test_the_payload_holds_parameters_files_and_hashes(world: World, client: FlaskClient) -> None:
    from mcrit.queue.LocalQueue import Job as TheirJob

    file_ids = world.upload(2)
    parameters = {"segment": {"sigma": 0.5}}
    job = world.engine.submit(JobRequest(OWNER, "cells", file_ids, name="a sample", parameters=parameters))
    document = data(client, f"/jobs/{job.id}")
    payload = {key: json.loads(text) for key, text in document["payload"].items() if key != "method"}
    assert payload["params"] == {"segment.sigma": 0.5}
    assert payload["file_params"] == {"0": file_ids[0], "1": file_ids[1]}
    hashes = {"0": f"{0:064x}", "1": f"{1:064x}"}
    assert payload["descriptor"] == ["cells", {"segment.sigma": 0.5}, hashes]
    assert TheirJob(document, None).parameters == "cells(0.5)"
    assert [found["job_id"] for found in data(client, "/jobs?filter=cells(0.5)")] == [job.id]


def test_a_job_names_its_children_and_they_name_it(world: World, client: FlaskClient) -> None:
    parent = world.submit("cells")
    world.finish()
    child = world.engine.submit(JobRequest(OWNER, "masks", (), parent_id=parent.id))
    document = data(client, f"/jobs/{parent.id}")
    assert (document["required_by"], document["all_dependencies"]) == ([{"$oid": child.id}], [])
    document = data(client, f"/jobs/{child.id}")
    assert (document["required_by"], document["all_dependencies"]) == ([], [parent.id])
    assert document["unfinished_dependencies"] == []


def test_waiting_for_a_job_that_was_driven_from_outside_ends(make_client: MakeClient, client: FlaskClient) -> None:
    from mcrit.queue.LocalQueue import Job as TheirJob

    analyzer = make_client(Role.ANALYZER)
    job = make_client(Role.SUBMITTER).post("/api/v1/jobs", json={"pipeline": "external"}).json
    for task in analyzer.get(f"/api/v1/jobs/{job['id']}/tasks").json["items"]:
        assert analyzer.patch(f"/api/v1/tasks/{task['id']}", json={"state": "succeeded"}).status_code == 200
    document = data(client, f"/jobs/{job['id']}")
    # Clients wait until a job names a result.
    assert (document["state"], document["result"] is not None) == ("finished", True)
    # It ended without ever having started.
    assert str(TheirJob(document, None).duration) == "0:00:00"
    assert data(client, f"/results/{document['result']}/job") == document


def test_a_list_without_a_limit_is_written_a_stretch_at_a_time(world: World, client: FlaskClient) -> None:
    files = world.upload(1)
    request = JobRequest(OWNER, "noop", files)
    ids = [job.id for job in world.engine.submit_many([request] * 450).jobs]
    answer = client.get("/jobs?ascending=true", buffered=False)
    assert answer.is_streamed
    pieces = list(answer.response)
    assert len(pieces) > len(ids)
    listed = json.loads("".join(piece if isinstance(piece, str) else piece.decode() for piece in pieces))
    assert [job["job_id"] for job in listed["data"]] == ids
    assert [job["job_id"] for job in data(client, "/jobs?limit=250&start=150")] == ids[::-1][150:400]


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
    "query",
    [
        "created_before=yesterday",
        "finished_before=2024-13-01",
        "created_before=",
        "owner=me",
        "methods=noop",
        "created_before=2030-01-01&created_before=bogus",
        "created_before=2030-01-01&created_before=2030-01-01",
        "method=noop&method=cells",
    ],
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
