"""The description is true: generated requests get no 5xx, and no answer that it does not describe.

JOBENGINE_TEST_EXAMPLES sets how many cases there are for each operation; 150 make more than 5,000.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, use_after_free

from api import create_app
from jobengine.artifacts.signing import UrlSigner
from jobengine.build import Parts
from jobengine.domain.records import Role
from jobengine.queries import Queries
from tests.unit.engine.world import World

EXAMPLES = int(os.environ.get("JOBENGINE_TEST_EXAMPLES", "12"))
# What has the right shape may still name what is not there (422, with the field), and a generated ID that was deleted
# may be one that never was; text in place of a truth value or a number is read where it spells one.
EXCLUDED = [positive_data_acceptance, negative_data_rejection, use_after_free]


def seeded_application() -> tuple[Flask, str]:
    """An application over a ledger that has some of everything, and a key for all of it."""
    world = World(upload_limit_bytes=10_000)
    outside = world.outside
    for _ in range(3):
        world.submit("cells", files=2, name="seeded")
    world.finish()
    world.submit("noop", files=3)
    queries = Queries(outside.store, outside.transport, outside.artifacts, outside.clock)
    app = create_app(Parts(outside, world.engine, queries, UrlSigner("secret", world.clock)))
    return app, world.engine.create_key("lab", Role.ADMIN)


def described() -> Any:
    """The schema, read from the application itself, with a key for every request."""
    app, key = seeded_application()
    read = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    read.config.update(headers={"Authorization": f"Bearer {key}"})
    return read


# Read when tests are collected and not in a fixture: each operation becomes a test with a name of its own.
schema = described()


@pytest.mark.xdist_group("openapi")
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_described(case: Any) -> None:
    case.call_and_validate(excluded_checks=EXCLUDED)


def test_all_other_checks_are_made() -> None:
    assert len(CHECKS.get_all()) > len(EXCLUDED) + 3
