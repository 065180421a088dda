"""The HTTP application over the engine in memory, and clients with keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from api import create_app
from jobengine.artifacts.signing import UrlSigner
from jobengine.build import Parts
from jobengine.domain.records import Role
from jobengine.queries import Queries
from tests.unit.engine.world import World

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def world() -> World:
    """The engine in memory; its owner is named lab."""
    return World(upload_limit_bytes=1000)


def client_maker(world: World) -> MakeClient:
    """What makes clients of one application over the engine."""
    outside = world.outside
    queries = Queries(outside.store, outside.transport, outside.artifacts, outside.clock)
    app = create_app(Parts(outside, world.engine, queries, UrlSigner("secret", world.clock)))

    def make(role: Role | None = Role.SUBMITTER, owner: str = "lab") -> FlaskClient:
        client = app.test_client()
        if role is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {world.engine.create_key(owner, role)}"
        return client

    return make


@pytest.fixture
def make_client(world: World) -> MakeClient:
    """A client of an owner in a role."""
    return client_maker(world)
