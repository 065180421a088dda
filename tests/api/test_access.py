"""Every route × every role × (own, other's, unknown, malformed) ID: a table, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from api.dialects.jobs_door import blueprint as jobs_door
from jobengine.domain.records import Role
from tests.api.asking import ask
from tests.api.conftest import client_maker
from tests.api.routes import CONTRACTS, OPEN
from tests.api.routes.contract import Contract, Outcome, Row
from tests.api.routes.et_engine import ET_ENGINE
from tests.api.routes.kallima import KALLIMA
from tests.api.routes.mcrit import MCRIT
from tests.api.routes.native import NATIVE
from tests.api.things import Things
from tests.memory_ledger import migrated_ledger
from tests.unit.engine.world import World

pytestmark = pytest.mark.thorough

MALFORMED = ["f" * 23, "f" * 25, "%00", "zz", "g" * 24, "123", f"{'f' * 24}%0a", "f" * 63, "f" * 65]
NOBODYS = [str(UUID(int=0))]
"""Spelled as a UUID, and none of ours; where IDs are no UUIDs, it is as malformed as the rest."""
READ_TOO = {"native": {("X-API-KEY", "")}, "et-engine": {("Authorization", "Bearer ")}}
"""Headers that a product reads beside the one of its table."""
TRAVERSALS = ["..%2f..%2fetc", "%2e%2e%2fetc"]

ROWS = [
    pytest.param(contract, row, id=f"{contract.name} {row.method} {row.path}")
    for contract in CONTRACTS
    for row in contract.rows
]
ROWS_WITH_ID = [entry for entry in ROWS if entry.values[1].names]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class System:
    """Two owners with one of everything, a client without a key, and a key for each role of the first owner."""

    own: Things
    others: Things
    client: FlaskClient
    keys: dict[Role, str]

    def answer(self, contract: Contract, row: Row, role: Role, ids: dict[str, str]) -> Any:
        """What a caller of that role gets for these IDs."""
        return ask(self.client, row, ids, {contract.header: contract.scheme + self.keys[role]})


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[System, Callable[[], None]]]:
    """The system, and what undoes all that was done to its rows since."""
    ledger = migrated_ledger()
    world = World(ledger.store, upload_limit_bytes=1000)
    make_client = client_maker(world)
    own, others = Things(world, make_client, "lab"), Things(world, make_client, "other")
    keys = {role: world.engine.create_key("lab", role) for role in Role}
    system = System(own, others, make_client(None), keys)
    copy = ledger.copy()
    yield system, lambda: ledger.bring_back(copy)
    ledger.store.close()


@pytest.fixture
def system(filled: tuple[System, Callable[[], None]]) -> System:
    """The system as it was when it was filled."""
    known, undo = filled
    undo()
    return known


def check(answer: Any, contract: Contract, outcome: Outcome, about: object = "") -> None:
    """Compare an answer with the contract's refusal for it."""
    wanted = contract.refusals[outcome]
    assert answer.status_code == wanted.status, (about, answer.text)
    assert wanted.is_said(answer), (about, answer.text)


def test_the_table_has_every_route(system: System) -> None:
    rules = list(system.client.application.url_map.iter_rules())
    served = {Row(method, rule.rule).key for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert served == {row.key for rows in (OPEN, *(contract.rows for contract in CONTRACTS)) for row in rows}
    shared = {Row("GET", rule.rule).key for rule in rules if rule.endpoint.startswith(f"{jobs_door.name}.")}
    of_mcrit, of_kallima = ({row.key for row in contract.rows} for contract in (MCRIT, KALLIMA))
    assert of_kallima == shared - {("GET", "/jobs/{}/result")}
    assert shared <= of_mcrit


@pytest.mark.parametrize("row", OPEN, ids=lambda row: row.path)
def test_what_needs_no_key(system: System, row: Row) -> None:
    assert ask(system.client, row, {}, {}).status_code == 200


@pytest.mark.parametrize(("contract", "row"), ROWS)
def test_who_is_nobody(system: System, contract: Contract, row: Row) -> None:
    check(ask(system.client, row, system.own.ids, {}), contract, Outcome.NO_KEY)
    wrong = {contract.header: f"{contract.scheme}je_wrong"}
    check(ask(system.client, row, system.own.ids, wrong), contract, Outcome.WRONG_KEY)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("contract", "row"), ROWS)
def test_who_may_and_who_may_not(system: System, contract: Contract, row: Row, role: Role) -> None:
    answer = system.answer(contract, row, role, system.own.ids)
    if role in row.allowed:
        assert answer.status_code == row.status, answer.text
    else:
        check(answer, contract, Outcome.FORBIDDEN)


@pytest.mark.parametrize(("contract", "row"), ROWS_WITH_ID)
def test_ids_of_others_and_of_nobody(system: System, contract: Contract, row: Row) -> None:
    own, others = system.own.ids, system.others.ids
    for role in (Role.VIEWER, Role.SUBMITTER, Role.ANALYZER, Role.ADMIN):
        missing = row.unknown if role in row.allowed else Outcome.FORBIDDEN
        for name in row.names:
            unknown = {"sample": "f" * 64}.get(name, NOBODYS[0] if name.endswith("_uuid") else "f" * 24)
            check(system.answer(contract, row, role, {**own, name: unknown}), contract, missing, (role, name))
            if len(row.names) > 1 or role is not Role.ADMIN:
                # One thing of another owner's is enough, and nobody can tell it from what is not there.
                check(system.answer(contract, row, role, {**own, name: others[name]}), contract, missing, (role, name))
        answer = system.answer(contract, row, role, others)
        if role is Role.ADMIN and not row.is_own_only:
            # An administrator sees everybody's.
            assert answer.status_code == row.status, answer.text
        else:
            check(answer, contract, missing, role)


@pytest.mark.parametrize(("contract", "row"), ROWS_WITH_ID)
def test_what_is_no_id(system: System, contract: Contract, row: Row) -> None:
    own = system.own.ids
    for role in Role:
        # In the native API what is no ID makes no path, for whomever.
        wanted = row.malformed if contract.name == "native" or role in row.allowed else Outcome.FORBIDDEN
        for name in row.names:
            for text in MALFORMED + ([] if name.endswith("_uuid") else NOBODYS):
                check(system.answer(contract, row, role, {**own, name: text}), contract, wanted, (role, text))
            for text in TRAVERSALS:
                check(system.answer(contract, row, role, {**own, name: text}), contract, Outcome.NO_PATH, (role, text))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_who_is_not_let_in_reads_which_header_holds_keys(system: System, contract: Contract) -> None:
    wrong = {contract.header: f"{contract.scheme}je_wrong"}
    refused = [ask(system.client, row, system.own.ids, wrong) for row in contract.rows]
    refused += [
        system.answer(contract, row, Role.VIEWER, system.own.ids)
        for row in contract.rows
        if Role.VIEWER not in row.allowed
    ]
    for answer in refused:
        # ET Engine's refusals are the product's, word for word.
        assert contract is ET_ENGINE or f"'{contract.header}: {contract.scheme}je_" in answer.get_data(as_text=True)
        is_bearer = contract in (NATIVE, KALLIMA, ET_ENGINE) and answer.status_code == 401
        assert answer.headers.get("WWW-Authenticate") == ("Bearer" if is_bearer else None)


def test_who_sends_no_key_reads_which_header_holds_keys(system: System) -> None:
    # Without a token, no request is Kallima's.
    for contract in (contract for contract in CONTRACTS if contract is not KALLIMA):
        answer = ask(system.client, contract.rows[0], system.own.ids, {})
        assert contract.header.lower() in answer.text.lower()
        is_bearer = contract in (NATIVE, ET_ENGINE)
        assert answer.headers.get("WWW-Authenticate") == ("Bearer" if is_bearer else None)


@pytest.mark.parametrize(("contract", "row"), ROWS)
def test_a_key_in_the_header_of_another_product_is_none(system: System, contract: Contract, row: Row) -> None:
    key = system.keys[Role.ADMIN]
    read = READ_TOO.get(contract.name, set()) | {(contract.header, contract.scheme)}
    if row.method == "GET" and row.path.startswith("/jobs"):
        # Here the header is what makes it the one product's request or the other's.
        read |= {(other.header, other.scheme) for other in (MCRIT, KALLIMA)}
    for header, scheme in {(other.header, other.scheme) for other in CONTRACTS} - read:
        answer = ask(system.client, row, system.own.ids, {header: scheme + key})
        assert answer.status_code == 401, (header, answer.text)
