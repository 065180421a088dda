"""Lists go on from their cursors, in every order and on every list, whatever was deleted in between."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.orders import SORTS
from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World


def pages(client: FlaskClient, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, each asked for when it is wanted."""
    cursor = None
    while True:
        given = {**query, **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"/api/v1/{path}", query_string=given)
        assert answer.status_code == 200, answer.json
        yield answer.json["items"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return


def fill(world: World) -> None:
    """Jobs of several names and priorities, some of them finished."""
    for number in range(12):
        if number == 8:
            world.finish()
        world.now += number % 3
        world.submit("noop", name=("Zelle", "cell", "Ärger \U0001f9ec")[number % 3], priority=number % 2)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_an_order_goes_on_after_its_last_job_was_deleted(
    world: World, make_client: MakeClient, sort: str, order: str
) -> None:
    fill(world)
    client = make_client()
    whole = [job["id"] for job in client.get(f"/api/v1/jobs?sort={sort}&order={order}").json["items"]]
    seen = []
    for page in pages(client, "jobs", sort=sort, order=order, limit=2):
        seen += [job["id"] for job in page]
        assert client.delete(f"/api/v1/jobs/{page[-1]['id']}").status_code == 204
    assert (len(seen), seen) == (12, whole)


def spelled(*parts: Any) -> str:
    """Text that looks like a cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        *("zz", "", "é", "f" * 23, "f" * 24, "x" * 5000, spelled(), spelled("name", "a"), spelled("name", 5, "f" * 24)),
        *(spelled("name", "a", "f" * 23), spelled("name", "a", 7), spelled("name", None, "f" * 24), spelled({})),
        spelled("priority", 5, "f" * 24),
    ],
)
def test_what_is_no_cursor_of_an_order_is_refused(make_client: MakeClient, cursor: str) -> None:
    answer = make_client().get("/api/v1/jobs", query_string={"sort": "name", "cursor": cursor})
    assert (answer.status_code, answer.json["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        *(("priority", key) for key in (True, 2**64, 1.5, "5")),
        *(("started_at", key) for key in (False, float("nan"), float("inf"), "1")),
    ],
)
def test_a_cursor_holds_a_key_of_its_order(make_client: MakeClient, sort: str, key: Any) -> None:
    query = {"sort": sort, "cursor": spelled(sort, key, "f" * 24)}
    answer = make_client().get("/api/v1/jobs", query_string=query)
    assert (answer.status_code, answer.json["field"]) == (422, "cursor")


@pytest.mark.parametrize("path", ["jobs", "files", "pipelines", "batches", "owners", "keys"])
def test_a_list_in_the_order_of_ids_goes_on_from_ids_alone(make_client: MakeClient, path: str) -> None:
    client = make_client(Role.ADMIN)
    for cursor in (spelled("name", "a", "f" * 24), "zz", "f" * 25):
        answer = client.get(f"/api/v1/{path}", query_string={"cursor": cursor})
        assert (answer.status_code, answer.json["field"]) == (422, "cursor")


@pytest.mark.parametrize("path", ["owners", "keys", "steps", "pipelines"])
def test_every_list_comes_in_pages(make_client: MakeClient, path: str) -> None:
    client = make_client(Role.ADMIN)
    for name in ("one", "two", "three"):
        client.post("/api/v1/keys", json={"owner": name, "role": "viewer"})
    whole = client.get(f"/api/v1/{path}").json
    assert (len(whole["items"]) > 3, whole["next_cursor"]) == (True, None)
    assert [entry for page in pages(client, path, limit=2) for entry in page] == whole["items"]
    assert client.get(f"/api/v1/{path}?limit=1&offset=1").json["items"] == whole["items"][1:2]
