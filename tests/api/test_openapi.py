"""The description is true: generated requests get no 5xx, and no answer that it does not describe.

JOBENGINE_TEST_EXAMPLES sets how many cases are generated for each operation; ``make fuzz`` makes more than 5,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from jobengine.domain.records import Role
from tests.api.conftest import client_maker
from tests.api.real_values import name_real_things
from tests.api.things import Things
from tests.memory_ledger import migrated_ledger
from tests.unit.engine.world import World

EXAMPLES = int(os.environ.get("JOBENGINE_TEST_EXAMPLES", "12"))


def described() -> tuple[Any, Callable[[], None]]:
    """The description of an application with one of everything, and what brings that back."""
    ledger = migrated_ledger()
    world = World(ledger.store, upload_limit_bytes=10_000)
    make_client = client_maker(world)
    own, others = Things(world, make_client, "lab"), Things(world, make_client, "other")
    key = world.engine.create_key("lab", Role.ADMIN)
    application = make_client(None).application
    document = application.test_client().get("/api/v1/openapi.json").json
    address = own.get(f"/artifacts/{own.ids['artifact']}")["url"]
    name_real_things(document, {**own.ids, "token": address.partition("token=")[2]}, others.ids["owner"])
    # Two ways to send the key: the requests have it in one, and a made-up key in the other changes nothing.
    del document["components"]["securitySchemes"]["key"]
    for entry in (document, *(operation for item in document["paths"].values() for operation in item.values())):
        if isinstance(entry, dict) and "security" in entry:
            entry["security"] = [way for way in entry["security"] if "key" not in way]
    read = schemathesis.openapi.from_dict(document, config=_config())
    read.app = application
    read.auth()(_key_sender(key))
    copy = ledger.copy()
    return read, lambda: ledger.bring_back(copy)


def _key_sender(key: str) -> type:
    class KeySender:
        """Sends the key with each request, but for those that try what happens without or with another one."""

        def get(self, case: Any, context: Any) -> str:
            return key

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    return KeySender


def _config() -> SchemathesisConfig:
    config = SchemathesisConfig()
    # What has the right shape may still name what is not there, or hold what a step does not take (422), hold a NUL or
    # a number beyond 64 bits, which no schema forbids (400), or ask for bytes past the end (416).
    config.projects.default.checks.positive_data_acceptance.expected_statuses += ["400", "416", "422"]
    return config


# Read when tests are collected and not in a fixture: each operation becomes a test with a name of its own.
schema, bring_back = described()


@pytest.fixture
def statuses(request: pytest.FixtureRequest) -> Iterator[Counter[int]]:
    """What an operation answered; among it, what was hoped for. ``conftest`` lists and counts it at the end."""
    seen: Counter[int] = Counter()
    yield seen
    listed = ", ".join(f"{count} x {status}" for status, count in sorted(seen.items()))
    request.node.user_properties.append(("answers", [request.node.name, seen.total(), listed]))
    assert any(200 <= status < 300 for status in seen), f"It only ever answered {listed}."


@pytest.mark.thorough
@pytest.mark.xdist_group("openapi")
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_described(case: Any, statuses: Counter[int]) -> None:
    bring_back()
    response = case.call()
    # Methods that the path does not have are tried too; what they get is not the operation's answer.
    if response.request.method == case.operation.method.upper():
        statuses[response.status_code] += 1
    # A form knows only text: a number in one is the text that spells it, and no violation.
    unanswerable = [negative_data_rejection] if case.media_type == "multipart/form-data" else []
    case.validate_response(response, excluded_checks=unanswerable)
