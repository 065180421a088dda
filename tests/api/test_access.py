"""Every native route × every role × (own, other's, unknown, malformed) ID: a table, and nothing beside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.conftest import client_maker
from tests.api.things import DRAFT, Things
from tests.memory_ledger import migrated_ledger
from tests.unit.engine.world import World

V, S, N, A = Role.VIEWER, Role.SUBMITTER, Role.ANALYZER, Role.ADMIN
EVERYONE, SUBMITTERS, ANALYZERS, ADMINS = {V, S, N, A}, {S, A}, {N, A}, {A}

KEY = {"owner": "new", "role": "viewer"}

# Method, path, who may, body, what a caller who may gets for an ID of its own.
WITH_ID = [
    ("GET", "/files/{file}", EVERYONE, None, 200),
    ("GET", "/files/{file}/content", EVERYONE, None, 200),
    ("DELETE", "/files/{spare_file}", SUBMITTERS, None, 204),
    ("GET", "/jobs/{job}", EVERYONE, None, 200),
    ("GET", "/jobs/{job}/explain", EVERYONE, None, 200),
    ("GET", "/jobs/{job}/files", EVERYONE, None, 200),
    ("GET", "/jobs/{job}/tasks", EVERYONE, None, 200),
    ("GET", "/jobs/{job}/results", EVERYONE, None, 200),
    ("POST", "/jobs/{job}/cancel", SUBMITTERS, None, 200),
    ("POST", "/jobs/{failed_job}/retry", SUBMITTERS, None, 201),
    ("DELETE", "/jobs/{job}", SUBMITTERS, None, 204),
    ("POST", "/jobs/{open_job}/tasks", ANALYZERS, {"worker": "w"}, 201),
    ("GET", "/tasks/{task}", EVERYONE, None, 200),
    ("GET", "/tasks/{task}/log", EVERYONE, None, 200),
    ("PATCH", "/tasks/{open_task}", ANALYZERS, {"state": "running"}, 200),
    ("GET", "/results/{result}", EVERYONE, None, 200),
    ("GET", "/results/{result}/job", EVERYONE, None, 200),
    ("GET", "/artifacts/{artifact}", EVERYONE, None, 200),
    ("GET", "/artifacts/{artifact}/content", EVERYONE, None, 200),
    ("GET", "/batches/{batch}", EVERYONE, None, 200),
    ("POST", "/batches/{batch}/cancel", SUBMITTERS, None, 200),
    ("DELETE", "/batches/{batch}", SUBMITTERS, None, 204),
    ("GET", "/pipelines/{draft}", EVERYONE, None, 200),
    ("PUT", "/pipelines/{draft}", SUBMITTERS, DRAFT, 200),
    ("POST", "/pipelines/{draft}/publish", SUBMITTERS, None, 200),
    ("POST", "/pipelines/{published}/retire", SUBMITTERS, None, 200),
    ("GET", "/owners/{owner}", ADMINS, None, 200),
    ("PUT", "/owners/{owner}/limits", ADMINS, {}, 200),
    ("DELETE", "/keys/{key}", ADMINS, None, 204),
]
WITHOUT_ID = [
    ("POST", "/files", SUBMITTERS, "upload", 201),
    ("GET", "/files", EVERYONE, None, 200),
    ("GET", "/steps", EVERYONE, None, 200),
    ("GET", "/pipelines", EVERYONE, None, 200),
    ("POST", "/pipelines", SUBMITTERS, DRAFT, 201),
    ("POST", "/pipelines/validate", SUBMITTERS, DRAFT, 200),
    ("POST", "/jobs", SUBMITTERS, "job", 201),
    ("GET", "/jobs", EVERYONE, None, 200),
    ("GET", "/jobs/statistics", EVERYONE, None, 200),
    ("DELETE", "/jobs?all=true", SUBMITTERS, None, 200),
    ("POST", "/jobs/cancel?all=true", SUBMITTERS, None, 200),
    ("POST", "/batches", SUBMITTERS, "batch", 201),
    ("GET", "/batches", EVERYONE, None, 200),
    ("GET", "/me", EVERYONE, None, 200),
    ("GET", "/owners", ADMINS, None, 200),
    ("POST", "/owners", ADMINS, {"name": "new"}, 201),
    ("POST", "/keys", ADMINS, KEY, 201),
    ("GET", "/keys", ADMINS, None, 200),
    ("GET", "/check", ADMINS, None, 200),
]

MALFORMED = ["f" * 23, "f" * 25, "..%2f..%2fetc", "%00", "zz", "g" * 24, "123", f"{'f' * 24}%0a", str(UUID(int=0))]


@dataclass(frozen=True, slots=True)
class System:
    """Two owners with one of everything, and a client for each role of the first one."""

    own: Things
    others: Things
    clients: dict[Role | None, FlaskClient]


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[System, Callable[[], None]]]:
    """The system, and what undoes all that was done to its rows since."""
    ledger = migrated_ledger()
    world = World(ledger.store, upload_limit_bytes=1000)
    make_client = client_maker(world)
    own, others = Things(world, make_client, "lab"), Things(world, make_client, "other")
    system = System(own, others, {role: make_client(role, "lab") for role in (*Role, None)})
    copy = ledger.copy()
    yield system, lambda: ledger.bring_back(copy)
    ledger.store.close()


@pytest.fixture
def system(filled: tuple[System, Callable[[], None]]) -> System:
    """The system as it was when it was filled."""
    known, undo = filled
    undo()
    return known


def send(client: FlaskClient, method: str, path: str, body: Any) -> int:
    """The status of a request."""
    arguments: dict[str, Any] = {"json": body} if body is not None else {}
    if body == "upload":
        arguments = {"data": {"files": (io.BytesIO(b"new"), "new.png")}}
    elif body == "job":
        arguments = {"json": {"pipeline": "external"}}
    elif body == "batch":
        arguments = {"json": {"jobs": [{"pipeline": "external"}]}}
    return client.open(f"/api/v1{path}", method=method, **arguments).status_code


def test_the_table_has_every_route(system: System) -> None:
    document = system.clients[None].get("/api/v1/openapi.json").json
    described = {
        (method.upper(), path.removeprefix("/api/v1").split("{")[0], path.count("{"))
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/api/v1/") and method in ("get", "post", "put", "patch", "delete")
    }
    table = {
        (method, path.partition("?")[0].split("{")[0], path.count("{")) for method, path, *_ in WITH_ID + WITHOUT_ID
    }
    assert described == table


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path", "allowed", "body", "status"), WITHOUT_ID)
def test_a_route_without_an_id(
    system: System, method: str, path: str, allowed: set[Role], body: Any, status: int, role: Role
) -> None:
    expected = status if role in allowed else 403
    assert send(system.clients[role], method, path, body) == expected
    assert send(system.clients[None], method, path, body) == 401


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path", "allowed", "body", "status"), WITH_ID)
def test_a_route_with_an_id(
    system: System, method: str, path: str, allowed: set[Role], body: Any, status: int, role: Role
) -> None:
    own, others = system.own.ids, system.others.ids
    client = system.clients[role]
    may = role in allowed
    assert send(system.clients[None], method, path.format(**own), body) == 401
    assert send(client, method, path.format(**dict.fromkeys(own, "f" * 24)), body) == (404 if may else 403)
    for malformed in MALFORMED:
        # What is no ID makes no path, for whomever.
        assert send(client, method, path.format(**dict.fromkeys(own, malformed)), body) == 404, malformed
    # An administrator sees everybody's; nobody else can tell another's from what is not there.
    seen = status if role is Role.ADMIN else 404
    assert send(client, method, path.format(**others), body) == (seen if may else 403)
    assert send(client, method, path.format(**own), body) == (status if may else 403)
