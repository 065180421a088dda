"""What no view says is in each contract's own words as well: no such path, no such method, too many, broken."""

from __future__ import annotations

from typing import Any

import pytest

from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Role
from tests.api.asking import ask
from tests.api.conftest import MakeClient
from tests.api.routes import CONTRACTS
from tests.api.routes.argus import ARGUS
from tests.api.routes.biodock import BIODOCK
from tests.api.routes.contract import Contract, Outcome
from tests.api.routes.et_engine import ET_ENGINE
from tests.api.routes.kallima import KALLIMA
from tests.api.routes.mcrit import MCRIT
from tests.api.routes.native import NATIVE
from tests.unit.engine.world import World

BY_NAME = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
NAMES = {name for contract in CONTRACTS for row in contract.rows for name in row.names} | {"file"}
IDS = {name: to_uuid("f" * 24) if name.endswith("_uuid") else "f" * 24 for name in NAMES}

NO_PATHS = [
    (NATIVE, ["/api/v1", "/api/v1/nothing", "/api/v1/jobs/x/nothing", "/api/v2/jobs", "/api", "/nothing"]),
    (BIODOCK, ["/api/external", "/api/external/nothing", "/api/external/analysis-jobs/x/nothing"]),
    (ARGUS, ["/sampledb/v2/nothing", "/sampledb/v1/job", "/sampledb/v2/job/x/nothing", "/authentication/v1/nothing"]),
    (MCRIT, ["/jobs/x/nothing", "/results", "/results/x/nothing", "/jobs/x/result/nothing"]),
    (KALLIMA, ["/jobs/x/nothing", "/jobs/x/result", "/jobs/x/result/nothing"]),
    (
        ET_ENGINE,
        [
            *("/batches/x/nothing", "/tools", "/tools/x", "/filesystems", "/filesystems/x/files", "/keys"),
            *("/v1/batches/x/nothing", "/v1/tools", "/v1/keys", "/v1/nothing", "/v1/jobs", "/v1/jobs/x"),
        ],
    ),
]


@pytest.fixture
def headers(world: World) -> dict[str, dict[str, str]]:
    """An administrator's, by contract."""
    key = world.engine.create_key("lab", Role.ADMIN)
    return {contract.name: {contract.header: contract.scheme + key} for contract in CONTRACTS}


def check(answer: Any, contract: Contract, outcome: Outcome, about: str = "") -> None:
    """The answer is the contract's refusal."""
    refusal = contract.refusals[outcome]
    assert answer.status_code == refusal.status, (about, answer.text)
    assert refusal.is_said(answer), (about, answer.text)


@pytest.mark.parametrize(("contract", "paths"), NO_PATHS, ids=lambda value: getattr(value, "name", ""))
def test_no_such_path(
    make_client: MakeClient, headers: dict[str, dict[str, str]], contract: Contract, paths: list[str]
) -> None:
    client = make_client(None)
    for path in paths:
        for spelled in (path, f"{path}/"):
            check(client.get(spelled, headers=headers[contract.name]), contract, Outcome.NO_PATH, spelled)


@BY_NAME
def test_no_such_method(make_client: MakeClient, headers: dict[str, dict[str, str]], contract: Contract) -> None:
    client = make_client(None)
    for row in contract.rows:
        path = row.path.partition("?")[0].format(**IDS)
        answer = client.open(path, method="TRACE", headers=headers[contract.name])
        # Of what is not read, a path of the two products that share it is the one's.
        check(answer, MCRIT if contract is KALLIMA else contract, Outcome.WRONG_METHOD, row.path)
        assert row.method in answer.headers["Allow"]


@BY_NAME
def test_what_breaks_says_so_and_nothing_of_how(
    world: World,
    make_client: MakeClient,
    headers: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    contract: Contract,
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("the inner secret")

    client = make_client(None)
    monkeypatch.setattr(type(world.engine), "authenticate", fail)
    for row in contract.rows:
        answer = ask(client, row, IDS, headers[contract.name])
        check(answer, contract, Outcome.BROKEN, row.path)
        assert "secret" not in answer.text


@BY_NAME
def test_too_many_requests(
    world: World, make_client: MakeClient, headers: dict[str, dict[str, str]], contract: Contract
) -> None:
    world.limit(requests_per_second=0.1)
    client = make_client(None)
    row = next(row for row in contract.rows if row.method == "GET" and not row.names)
    assert ask(client, row, {}, headers[contract.name]).status_code == 200
    answer = ask(client, row, {}, headers[contract.name])
    check(answer, contract, Outcome.TOO_MANY)
    assert int(answer.headers["Retry-After"]) >= 1


QUERIES: list[tuple[Contract, str, int]] = [
    *(
        (BIODOCK, f"/api/external/{path}?{query}", 400)
        for path in ("analysis-jobs", "filesystem-items")
        for query in (
            *("limit=0", "limit=-1", "limit=many", "limit=1.5", "limit=1001", "limit=99999999999999999999"),
            *("startingAfter=zz", f"startingAfter={'f' * 23}", f"startingAfter={'f' * 25}", "startingAfter=%00"),
        )
    ),
    *((BIODOCK, f"/api/external/filesystem-items?folderId={text}", 404) for text in ("zz", "f" * 24, "..%2f..")),
    *((KALLIMA, f"/jobs?variant_id={text}", 422) for text in ("zz", "f" * 23, "f" * 25, "%00")),
    *(
        (ARGUS, f"/sampledb/v2/job?{query}", 412)
        for query in ("limit=-1", "limit=many", "offset=-1", "offset=1e3", "limit=9" + "9" * 30, "state=x", "sortBy=x")
    ),
    # Here what cannot be read is as if it were not there, as in the real system.
    *((MCRIT, f"/jobs?{query}", 200) for query in ("start=-1", "start=zz", "limit=many", "limit=" + "9" * 30)),
    *((MCRIT, f"/jobs?{query}", 200) for query in ("ascending=perhaps", "state=x", "method=%00", "filter=%00")),
    *((ET_ENGINE, f"{base}/batches?limit=many", 200) for base in ("", "/v1")),
]


@BY_NAME
def test_queries_that_make_no_sense(
    make_client: MakeClient, headers: dict[str, dict[str, str]], contract: Contract
) -> None:
    client = make_client(None)
    for path, status in [entry[1:] for entry in QUERIES if entry[0] is contract]:
        answer = client.get(path, headers=headers[contract.name], buffered=True)
        assert answer.status_code == status, (path, answer.text)
        if contract in (BIODOCK, ARGUS):
            check(answer, contract, Outcome.MISSING if status == 404 else Outcome.INVALID, path)
        elif contract is KALLIMA:
            assert answer.json["detail"][0]["loc"] == ["query", "variant_id"]
