"""SampleDB's lists without a limit: all there is, in the envelope, read a stretch at a time."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.dialects import long_lists
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Job, Result, Role
from jobengine.queries.jobs import JobQueries
from jobengine.queries.results import ResultQueries
from tests.api.argus.sampledb import STASH, V2, keyed, submit
from tests.api.conftest import MakeClient
from tests.unit.engine.world import OWNER, World

JOBS = 7


@pytest.fixture
def jobs(world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Some jobs, oldest first, of which two are read at a time; the later ones were started, the last one first."""
    monkeypatch.setattr(long_lists, "STRETCH", 2)
    submitter, analyzer = keyed(world, make_client, Role.SUBMITTER), keyed(world, make_client, Role.ANALYZER)
    made = [submit(submitter, f"sample {number}".encode())["id"] for number in range(JOBS)]
    for job_id in reversed(made[3:]):
        world.now += 1
        analyzer.put(f"{V2}/job/{job_id}", json={"state": "executing"})
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The limit of each reading of jobs."""
    limits: list[int | None] = []
    real = JobQueries.page

    def read_jobs(queries: JobQueries, where: JobFilter, page: Page) -> list[Job]:
        limits.append(page.limit)
        return real(queries, where, page)

    monkeypatch.setattr(JobQueries, "page", read_jobs)
    return limits


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("limit=0", [6, 5, 4, 3, 2, 1, 0]),
        ("limit=0&offset=5", [1, 0]),
        ("limit=0&offset=9", []),
        ("limit=0&sortBy=enqueuedTimestamp", [0, 1, 2, 3, 4, 5, 6]),
        ("limit=0&sortBy=startTimestamp", [0, 1, 2, 6, 5, 4, 3]),
        ("limit=0&sortBy=-state&sortBy=-startTimestamp", [3, 4, 5, 6, 2, 1, 0]),
        ("limit=0&sortBy=-state&sortBy=-startTimestamp&offset=3", [6, 2, 1, 0]),
        ("limit=5000&offset=1", [5, 4, 3, 2, 1, 0]),
        ("limit=0&state=timeout", []),
    ],
)
def test_all_jobs_come_in_the_envelope_and_few_are_held(
    analyzer: FlaskClient, jobs: list[str], read: list[int | None], query: str, places: list[int]
) -> None:
    answer = analyzer.get(f"{V2}/job?{query}")
    assert (answer.status_code, answer.mimetype, answer.json.keys()) == (200, "application/json", STASH)
    assert [job["id"] for job in answer.json["data"]] == [jobs[place] for place in places]
    asked = dict(pair.split("=") for pair in query.split("&"))
    count = 0 if "state" in asked else JOBS
    numbers = {"limit": int(asked["limit"]), "offset": int(asked.get("offset", 0)), "count": count, "size": len(places)}
    assert {name: answer.json[name] for name in numbers} == numbers
    assert all(limit is not None and limit <= 2 for limit in read)


def test_a_search_without_a_limit_is_read_so_too(
    analyzer: FlaskClient, jobs: list[str], read: list[int | None]
) -> None:
    answer = analyzer.post(f"{V2}/job/search", json={"limit": 0, "state": ["executing"]}).json
    assert ([job["id"] for job in answer["data"]], answer["count"], answer["size"]) == (jobs[:2:-1], 4, 4)
    assert all(limit is not None and limit <= 2 for limit in read)


def test_a_list_goes_on_after_a_job_that_was_deleted_meanwhile(
    world: World, analyzer: FlaskClient, jobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = JobQueries.page

    def read_jobs(queries: JobQueries, where: JobFilter, page: Page) -> list[Job]:
        rows = real(queries, where, page)
        if page.after is None:
            world.engine.delete(OWNER, [rows[-1].id])
        return rows

    monkeypatch.setattr(JobQueries, "page", read_jobs)
    answer = analyzer.get(f"{V2}/job?limit=0&sortBy=startTimestamp").json
    assert [job["id"] for job in answer["data"]] == [jobs[place] for place in (0, 1, 2, 6, 5, 4, 3)]


def test_what_goes_wrong_before_the_first_job_is_told(analyzer: FlaskClient) -> None:
    answer = analyzer.get(f"{V2}/job?limit=0&state=nonsense")
    assert (answer.status_code, answer.json["messages"][0]["field"]) == (412, "state")


def test_all_tasks_of_a_job_come_with_the_analyses_of_few_at_a_time(
    analyzer: FlaskClient, jobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{V2}/job/{jobs[0]}"
    for name in "cabed":
        task = analyzer.post(f"{url}/task", json={"worker": name}).json["data"]
        analyzer.put(f"{url}/task/{task['id']}", json={"state": "success", "analysisID": f"of {name}"})
    asked: list[int] = []
    real = ResultQueries.of_tasks

    def read_results(queries: ResultQueries, task_ids: Any) -> dict[str, Result]:
        asked.append(len(task_ids))
        return real(queries, task_ids)

    monkeypatch.setattr(ResultQueries, "of_tasks", read_results)
    answer = analyzer.get(f"{url}/tasks?limit=0").json
    assert [(task["worker"], task["analysis"]["id"]) for task in answer["data"]] == [(n, f"of {n}") for n in "abcde"]
    assert (answer.keys(), answer["count"], answer["size"], asked) == (STASH, 5, 5, [2, 2, 1])
