"""Every route that takes a body, of every contract, refuses bad ones in its own words, and stores nothing."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.asking import filled_in
from tests.api.bad_bodies import bad_bodies
from tests.api.conftest import client_maker
from tests.api.routes import CONTRACTS
from tests.api.routes.biodock import BIODOCK
from tests.api.routes.contract import SAMPLE, UPLOAD, Contract, Outcome, Row
from tests.api.routes.mcrit import MCRIT
from tests.api.things import Things
from tests.memory_ledger import MemoryLedger, migrated_ledger
from tests.unit.engine.world import World

pytestmark = pytest.mark.thorough

LIMIT = 20_000
UPLOAD_LIMIT = 1000

ROWS = [
    pytest.param(contract, row, id=f"{contract.name} {row.method} {row.path}")
    for contract in CONTRACTS
    for row in contract.rows
]


def of_rows(*kinds: Any) -> list[Any]:
    """The rows whose proper body is one of these, or of one of these types."""
    return [entry for entry in ROWS if any(is_of(entry.values[1].body, kind) for kind in kinds)]  # type: ignore[attr-defined]


def is_of(body: Any, kind: Any) -> bool:
    """Whether a proper body is of a kind."""
    return isinstance(body, kind) if isinstance(kind, type) else body == kind


@dataclass(frozen=True, slots=True)
class System:
    """One application over a ledger that tells whether anything was written."""

    world: World
    ledger: MemoryLedger
    things: Things
    client: FlaskClient
    key: str

    def headers(self, contract: Contract) -> dict[str, str]:
        """An administrator's."""
        return {contract.header: contract.scheme + self.key}

    def send(self, contract: Contract, row: Row, data: Any, **options: Any) -> Any:
        """The answer to some body."""
        headers = {**self.headers(contract), **options.pop("headers", {})}
        path = filled_in(row.path, self.things.ids)
        return self.client.open(path, method=row.method, data=data, headers=headers, buffered=True, **options)

    def stored(self) -> tuple[list[str], set[str]]:
        """All rows, and the names of all bytes."""
        return list(self.ledger.raw.iterdump()), set(self.world.artifacts.contents)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One of everything; what tests do to it is undone by themselves."""
    ledger = migrated_ledger()
    limits = {"request_limit_bytes": LIMIT, "batch_limit_bytes": LIMIT, "upload_limit_bytes": UPLOAD_LIMIT}
    world = World(ledger.store, **limits)
    make_client = client_maker(world)
    things = Things(world, make_client, "lab")
    made = System(world, ledger, things, make_client(None), world.engine.create_key("lab", Role.ADMIN))
    assert made.client.get("/jobs", headers=made.headers(MCRIT), buffered=True).status_code == 200
    yield made
    ledger.store.close()


@pytest.fixture(autouse=True)
def undone(system: System) -> Iterator[None]:
    """Bring back the rows as they were before the test."""
    copy = system.ledger.copy()
    yield
    system.ledger.bring_back(copy)


def check(answer: Any, contract: Contract, about: str) -> None:
    """The answer is a refusal in the words of the contract."""
    refusals = [contract.refusals[outcome] for outcome in (Outcome.UNREADABLE, Outcome.INVALID, Outcome.TOO_LARGE)]
    of_status = [refusal for refusal in refusals if refusal.status == answer.status_code]
    assert of_status, (about, answer.status_code, answer.text)
    assert of_status[0].is_said(answer), (about, answer.text)


@pytest.mark.parametrize(("contract", "row"), of_rows(dict))
def test_a_bad_body_is_refused_and_nothing_is_stored(system: System, contract: Contract, row: Row) -> None:
    proper = filled_in(row.body, system.things.ids)
    before = system.stored()
    for about, body, headers in bad_bodies(proper, LIMIT, row.free):
        answer = system.send(contract, row, body, content_type="application/json", headers=headers)
        check(answer, contract, about)
        assert (answer.status_code == 413) == (len(body) > LIMIT), about
    assert system.stored() == before
    # It is for their faults that the others were refused.
    assert system.send(contract, row, json.dumps(proper), content_type="application/json").status_code == row.status


@pytest.mark.parametrize(("contract", "row"), of_rows(dict))
def test_a_body_in_chunks_is_read_no_further_than_the_limit(system: System, contract: Contract, row: Row) -> None:
    before = system.stored()
    body = io.BytesIO(b'{"name": "' + b"x" * 10 * LIMIT + b'"}')
    environ = {"wsgi.input_terminated": True}
    answer = system.send(
        contract, row, None, input_stream=body, content_type="application/json", environ_overrides=environ
    )
    assert answer.status_code == 413
    check(answer, contract, "chunks")
    assert body.tell() <= 2 * LIMIT
    assert system.stored() == before


@pytest.mark.parametrize(("contract", "row"), of_rows(type(None)))
def test_where_no_body_is_taken_none_is_read(system: System, contract: Contract, row: Row) -> None:
    copy = system.ledger.copy()
    for body in (b"{}", b"{pipeline: noop}", b"\xff\xfe\x00", b"[" * 10_000, b"7" * 2 * LIMIT):
        answer = system.send(contract, row, body)
        assert answer.status_code == row.status, (body[:20], answer.text)
        system.ledger.bring_back(copy)


NAMES = ["../../etc/passwd", "/etc/passwd", "..", "a/../../b", "C:\\boot.ini", "..\\b", "a\x01b", "a\x00b", "x" * 256]
FIELDS = ("fileName", "destinationFolder")
FORM = "multipart/form-data; boundary=b"


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    """A part of a form as it stands on the wire; clients of tests escape what they find odd."""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"'
    if file_name is not None:
        head += '; filename="{}"'.format(file_name.replace("\\", "\\\\"))
    return f"{head}\r\n\r\n".encode() + value + b"\r\n"


def file_part(row: Row) -> str:
    """What the part with the file is called."""
    return {"/api/v1/files": "files", "/sampledb/v2/sample": "file"}.get(row.path, "upload")


UPLOADS = of_rows(UPLOAD, SAMPLE)


@pytest.mark.parametrize(("contract", "row"), UPLOADS)
def test_a_file_with_a_bad_name_is_refused(system: System, contract: Contract, row: Row) -> None:
    before = system.stored()
    for name in NAMES:
        forms = [part(file_part(row), b"x", name)]
        if contract is BIODOCK:
            forms = [part("upload", b"x", "a.png") + part(field, name.encode()) for field in FIELDS] + forms
        for form in forms:
            check(system.send(contract, row, form + b"--b--\r\n", content_type=FORM), contract, name)
        if row.body == SAMPLE:
            raw = {"content_type": "application/octet-stream", "query_string": {"fileName": name}}
            check(system.send(contract, row, b"x", **raw), contract, name)
    assert system.stored() == before


@pytest.mark.parametrize(("contract", "row"), UPLOADS)
def test_a_form_that_cannot_be_read_is_refused(system: System, contract: Contract, row: Row) -> None:
    name = file_part(row)
    before = system.stored()
    large = part(name, b"x" * (UPLOAD_LIMIT + 1), "a.png")
    for about, form, content_type in (
        ("no file", part("folder", b"a") + b"--b--\r\n", FORM),
        ("a file that is none", part(name, b"a") + b"--b--\r\n", FORM),
        ("no end", part(name, b"x", "a.png"), FORM),
        ("no boundary", part(name, b"x", "a.png") + b"--b--\r\n", "multipart/form-data"),
        ("another boundary", part(name, b"x", "a.png") + b"--b--\r\n", "multipart/form-data; boundary=c"),
        ("nothing", b"", FORM),
        # Where the body itself is a sample, it may be of any type.
        *((("JSON", b'{"file": "a"}', "application/json"),) if row.body == UPLOAD else ()),
        ("too large", large + b"--b--\r\n", FORM),
        ("a large text", part("fileName", b"x" * 2 * 1024**2) + b"--b--\r\n", FORM),
        ("many parts", part("fileName", b"x") * 2000 + part(name, b"x", "a.png") + b"--b--\r\n", FORM),
    ):
        answer = system.send(contract, row, form, content_type=content_type)
        assert 400 <= answer.status_code < 500, (about, answer.text)
        if answer.status_code != 415:
            check(answer, contract, about)
    assert system.stored() == before


@pytest.mark.parametrize(("contract", "row"), UPLOADS)
def test_a_zip_is_bytes_and_never_opened(system: System, contract: Contract, row: Row) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../bomb", b"\0" * 300_000)
    _, before = system.stored()
    form = part(file_part(row), packed.getvalue(), "bomb.zip") + b"--b--\r\n"
    answer = system.send(contract, row, form, content_type=FORM)
    assert answer.status_code == row.status, answer.text
    _, after = system.stored()
    assert [system.world.artifacts.contents[name] for name in after - before] in ([packed.getvalue()], [])


def test_a_sample_past_the_limit_is_refused_while_it_comes(system: System) -> None:
    (entry,) = of_rows(SAMPLE)
    contract, row = entry.values
    before = system.stored()
    answer = system.send(contract, row, b"x" * (UPLOAD_LIMIT + 1), content_type="application/octet-stream")
    check(answer, contract, "too large")
    assert (answer.status_code, system.stored()) == (413, before)
