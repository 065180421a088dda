"""ET Engine's lists, which its page does not bound: all there is, read a stretch at a time."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.dialects import long_lists
from jobengine.domain.filters import Page
from jobengine.domain.ids import to_uuid
from jobengine.queries.batches import BatchQueries
from jobengine.queries.jobs import JobQueries
from tests.api.conftest import MakeClient
from tests.api.test_et_engine import keyed, submit_batch
from tests.unit.engine.world import World


@pytest.fixture
def client(world: World, make_client: MakeClient) -> FlaskClient:
    """A submitter of the lab."""
    return keyed(world, make_client)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The limit of each reading of jobs or batches; two are read at a time."""
    monkeypatch.setattr(long_lists, "STRETCH", 2)
    limits: list[int | None] = []

    def watch(kind: type, name: str) -> None:
        real = getattr(kind, name)

        def read_rows(queries: Any, where: Any, page: Page) -> Any:
            limits.append(page.limit)
            return real(queries, where, page)

        monkeypatch.setattr(kind, name, read_rows)

    watch(JobQueries, "page")
    watch(BatchQueries, "views")
    return limits


@pytest.mark.parametrize("count", [1, 4, 5])
def test_the_jobs_of_a_batch_are_written_while_they_are_read(
    world: World, make_client: MakeClient, client: FlaskClient, read: list[int | None], count: int
) -> None:
    made = submit_batch(world, make_client, jobs=count)
    submit_batch(world, make_client)
    answer = client.get(f"/batches/{made['id']}/jobs")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert [job["job_id"] for job in answer.json] == [to_uuid(job_id) for job_id in made["jobs"]]
    assert {job["job_tool"]["tool_name"] for job in answer.json} == {"cells"}
    assert read == [2] * (count // 2 + 1)
    assert client.delete(f"/batches/{made['id']}").status_code == 200


def test_batches_are_written_while_they_are_read(
    world: World, make_client: MakeClient, client: FlaskClient, read: list[int | None]
) -> None:
    assert client.get("/batches").json == []
    made = [submit_batch(world, make_client, jobs=1)["id"] for _ in range(5)]
    answer = client.get("/batches")
    assert [batch["batch_id"] for batch in answer.json] == [to_uuid(batch_id) for batch_id in reversed(made)]
    assert read == [2] * 4
