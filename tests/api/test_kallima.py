"""Kallima's page over the engine in memory."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.announcements import Announcement, PipelineSpec, encode_announcement
from jobengine.domain.filters import Page, ResultFilter
from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Job, Node, Result, Role, Scope, StepSpec
from jobengine.domain.reports import Report, ReportKind
from jobengine.queries.results import ResultQueries
from jobengine.verbs.requests import JobRequest
from tests.api.conftest import MakeClient
from tests.api.shapes import assert_like, example_of
from tests.unit.engine.world import OWNER, WORKER, World

KINDS = ("humanization", "structure", "stability", "immunogenicity", "complex")
TYPED_RESULTS = ("structure_result", "stability_result", "immunogenicity_result", "complex_result")
VARIANT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
# What no job has at once; a job that is completed has neither.
NOT_OF_A_COMPLETED_JOB = {"$.job.error_message", "$.job.canceled_at"}


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    """A client with a Bearer token, as the native one."""
    return make_client(Role.SUBMITTER)


def announce(world: World) -> None:
    """Steps that make results of the page's kinds, one after the other."""
    steps = tuple(StepSpec(f"antibody.{kind}", "1", Scope.FILE, kind) for kind in KINDS)
    nodes = tuple(Node(kind, f"antibody.{kind}", after=KINDS[index - 1 : index]) for index, kind in enumerate(KINDS))
    body = encode_announcement(Announcement("host", 2, ("default",), steps, (PipelineSpec("antibody", 1, nodes),)))
    world.transport.report([Report(ReportKind.ANNOUNCED, WORKER, world.now, body=body)])
    world.engine.record()


def finish(world: World, said: dict[str, Any], **labels: str) -> Job:
    """A job whose every result says this."""
    announce(world)
    job = world.submit("antibody", labels=labels)
    while deliveries := world.take():
        for delivery in deliveries:
            world.say(ReportKind.STARTED, delivery, delivery.tasks[0])
            world.say(ReportKind.SUCCEEDED, delivery, delivery.tasks[0], result=said, artifacts=[])
        world.engine.record()
    return job


def said_by_the_page() -> dict[str, Any]:
    """All that the page's results say, put together."""
    example = example_of("kallima", "job with results")
    rows = [*example["results"], *(example[key] for key in TYPED_RESULTS)]
    return {key: value for row in rows for key, value in row.items() if key not in ("id", "job_id", "created_at")}


def test_a_job_with_all_results_is_as_on_the_page(world: World, client: FlaskClient) -> None:
    example = example_of("kallima", "job with results")
    job = finish(world, said_by_the_page(), variant_id=VARIANT)
    body = client.get(f"/jobs/{to_uuid(job.id)}").json
    assert_like(example, body, nullable=NOT_OF_A_COMPLETED_JOB)
    assert set(body) == set(example)
    assert set(body["job"]) == set(example["job"])
    for key in TYPED_RESULTS:
        assert set(body[key]) == set(example[key])
        theirs = {name: value for name, value in example[key].items() if name not in ("id", "job_id", "created_at")}
        assert {name: body[key][name] for name in theirs} == theirs
    assert set(body["results"][0]) == set(example["results"][0])
    ids = [row["job_id"] for row in (*body["results"], *(body[key] for key in TYPED_RESULTS))]
    assert ids == [to_uuid(job.id)] * 5
    assert (body["job"]["status"], body["job"]["variant_id"]) == ("completed", VARIANT)


def fits(value: Any, example: Any) -> bool:
    """Whether the value may stand where the page has the example."""
    if type(value) is list:
        return type(example) is list and value == [{"a": 1}]
    return example != VARIANT and (type(example) is type(value) or (type(example) is float and type(value) is int))


@pytest.mark.parametrize("value", [True, "text", 5, ["a"], [{"a": 1}], {"a": 1}, None])
def test_what_has_another_type_than_the_pages_is_null(world: World, client: FlaskClient, value: Any) -> None:
    example = example_of("kallima", "job with results")
    said = dict.fromkeys(said_by_the_page(), value)
    job = finish(world, said, variant_id="no uuid", antigen_id="no uuid")
    body = client.get(f"/jobs/{to_uuid(job.id)}").json
    assert body["job"]["variant_id"] is None
    found = [(example["results"][0], body["results"][0]), *((example[key], body[key]) for key in TYPED_RESULTS)]
    for theirs, ours in found:
        wanted = {name: value if fits(value, theirs[name]) else None for name in theirs if name in said}
        assert {name: ours[name] for name in wanted} == wanted


def test_variant_and_antigen_come_from_the_labels_where_the_result_does_not_say(
    world: World, client: FlaskClient
) -> None:
    job = finish(world, {"structure_result_id": "f" * 24}, variant_id=VARIANT, antigen_id=VARIANT.upper())
    body = client.get(f"/jobs/{to_uuid(job.id)}").json
    assert (body["complex_result"]["variant_id"], body["complex_result"]["antigen_id"]) == (VARIANT, VARIANT)
    # A result of ours is spelled as the page spells it.
    assert body["stability_result"]["structure_result_id"] == to_uuid("f" * 24)


def test_a_job_of_another_kind_has_nulls(world: World, client: FlaskClient) -> None:
    job = world.submit("noop")
    body = client.get(f"/jobs/{job.id}").json
    assert (body["job"]["id"], body["job"]["status"], body["job"]["job_type"]) == (to_uuid(job.id), "pending", "noop")
    assert body["results"] == []
    assert all(body[key] is None for key in TYPED_RESULTS)
    assert body["job"]["started_at"] is None
    assert body["job"]["created_at"].endswith("Z")


def test_failed_and_canceled_jobs_say_so(world: World, client: FlaskClient) -> None:
    canceled = world.submit("noop")
    world.engine.cancel(None, [canceled.id])
    failed = world.submit("noop")
    world.finish(lambda delivery, task: {"kind": "step", "message": "not this one"})
    job = client.get(f"/jobs/{to_uuid(failed.id)}").json["job"]
    assert (job["status"], job["error_message"]) == ("failed", "not this one")
    job = client.get(f"/jobs/{to_uuid(canceled.id)}").json["job"]
    assert (job["status"], job["completed_at"]) == ("canceled", None)
    assert job["canceled_at"] is not None


def test_the_list_is_bare_and_filtered_by_variant(world: World, client: FlaskClient) -> None:
    first = world.submit("noop", labels={"variant_id": VARIANT})
    second = world.submit("noop", labels={"variant_id": "no uuid"})
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"})
    listed = client.get("/jobs").json
    assert [job["id"] for job in listed] == [to_uuid(second.id), to_uuid(first.id)]
    assert [job["variant_id"] for job in listed] == [None, VARIANT]
    assert [job["error_message"] for job in listed] == ["no", "no"]
    assert_like(example_of("kallima", "job with results")["job"], listed[1], nullable={"$.canceled_at"})
    assert client.get(f"/jobs?variant_id={VARIANT}").json == listed[1:]
    refused = client.get("/jobs?variant_id=b")
    assert (refused.status_code, refused.json["detail"][0]["loc"]) == (422, ["query", "variant_id"])


def test_a_variant_is_found_however_its_id_is_spelled(world: World, client: FlaskClient) -> None:
    labels = (VARIANT, VARIANT.upper(), "f" * 24, to_uuid("f" * 24), VARIANT)
    ids = [to_uuid(world.submit("noop", labels={"variant_id": label}).id) for label in labels]
    for variant in (VARIANT, VARIANT.upper()):
        assert [job["id"] for job in client.get(f"/jobs?variant_id={variant}").json] == [ids[4], ids[1], ids[0]]
    # What the list shows as a variant is what it can be asked for.
    for job in client.get("/jobs").json:
        assert job in client.get(f"/jobs?variant_id={job['variant_id']}").json
    assert [job["id"] for job in client.get(f"/jobs?variant_id={'f' * 24}").json] == [ids[3], ids[2]]


def test_the_list_has_all_jobs(world: World, client: FlaskClient) -> None:
    request = JobRequest(OWNER, "noop", world.upload(1))
    ids = [job.id for job in world.engine.submit_many([request] * 1100).jobs]
    assert [job["id"] for job in client.get("/jobs").json] == [to_uuid(job_id) for job_id in ids[::-1]]


@pytest.mark.parametrize("malformed", ["zz", "a" * 23, "a" * 25, VARIANT[:-1], f"{VARIANT}0", "stats"])
def test_what_is_no_uuid_is_refused(client: FlaskClient, malformed: str) -> None:
    answer = client.get(f"/jobs/{malformed}")
    assert (answer.status_code, answer.json["detail"][0]["loc"]) == (422, ["path", "job_id"])


@pytest.mark.parametrize("unknown", [VARIANT, VARIANT.upper(), to_uuid("f" * 24)])
def test_a_uuid_of_nobodys_is_not_found(client: FlaskClient, unknown: str) -> None:
    answer = client.get(f"/jobs/{unknown}")
    assert (answer.status_code, set(answer.json)) == (404, {"detail"})


def test_refusals_have_a_detail(world: World, make_client: MakeClient, client: FlaskClient) -> None:
    job = world.submit("noop")
    wrong = make_client(None).get("/jobs", headers={"Authorization": "Bearer je_wrong"})
    assert (wrong.status_code, set(wrong.json)) == (401, {"detail"})
    assert make_client(Role.VIEWER, "other").get(f"/jobs/{to_uuid(job.id)}").status_code == 404


def test_with_a_bearer_token_what_is_read_is_kallimas_and_all_else_mcrits(world: World, client: FlaskClient) -> None:
    job = world.submit("noop")
    for path in (f"/jobs/{job.id}/result", f"/jobs/{to_uuid(job.id)}/nothing"):
        answer = client.get(path)
        assert (answer.status_code, answer.json) == (404, {"detail": "Not Found"})
    posted = client.post("/jobs", json={})
    assert (posted.status_code, posted.json) == (405, {"detail": "Method Not Allowed"})
    for answer in (client.delete("/jobs"), client.delete(f"/jobs/{job.id}"), client.get(f"/results/{job.id}")):
        assert (answer.status_code, answer.json["title"]) == (401, "API token required")
    assert client.put("/jobs").json == {"title": "405 Method Not Allowed"}
    assert client.get(f"/jobs/{job.id}").status_code == 200


def test_of_the_results_of_a_job_only_those_that_are_shown_are_read(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finish(world, said_by_the_page())
    read: list[tuple[str | None, int | None]] = []
    real = ResultQueries.page

    def read_results(queries: ResultQueries, where: ResultFilter, page: Page) -> list[Result]:
        read.append((where.kind, page.limit))
        return real(queries, where, page)

    monkeypatch.setattr(ResultQueries, "page", read_results)
    body = client.get(f"/jobs/{to_uuid(job.id)}").json
    assert [len(body["results"]), *(body[key] is not None for key in TYPED_RESULTS)] == [1] * 5
    assert read == [("humanization", None), *((kind, 1) for kind in KINDS[1:])]
