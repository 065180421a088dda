"""The HTTP application over the engine in memory, and clients with keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.application import create_app, give_parts
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


def shared_application(world: World) -> Flask:
    """The one of this process, over the engine of this test: to make one takes longer than most tests."""
    app = _application()
    give_parts(app, _parts(world))
    return app


def client_maker(world: World, shared: Flask | None = None) -> MakeClient:
    """What makes clients of one application over the engine."""
    app = shared or create_app(_parts(world))

    def make(role: Role | None = Role.SUBMITTER, owner: str = "lab") -> FlaskClient:
        client = app.test_client()
        if role is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {world.engine.create_key(owner, role)}"
        return client

    return make


@pytest.fixture
def make_client(world: World) -> MakeClient:
    """A client of an owner in a role."""
    return client_maker(world, shared_application(world))


def _parts(world: World) -> Parts:
    outside = world.outside
    queries = Queries(outside.store, outside.transport, outside.artifacts, outside.clock)
    return Parts(outside, world.engine, queries, UrlSigner("secret", world.clock))


@cache
def _application() -> Flask:
    return create_app(_parts(World()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many generated requests were answered, and how: of each operation with ``-v``."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    said = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    answers = [answer for name, answer in said if name == "answers"]
    if terminalreporter.config.option.verbose > 0:
        for operation, _, listed in sorted(answers):
            terminalreporter.write_line(f"{operation}: {listed}")
    if answers:
        cases = sum(count for _, count, _ in answers)
        terminalreporter.write_line(f"{cases} generated requests to {len(answers)} operations")
