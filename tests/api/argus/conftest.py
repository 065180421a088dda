"""Clients of SampleDB's pages."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.argus.sampledb import keyed
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World


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
