"""Forms with files leave nothing open, whatever becomes of them."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

from tests.api.conftest import MakeClient
from tests.api.test_bad_bodies import FORM, UPLOAD_LIMIT, part
from tests.unit.engine.world import World

GOOD = part("files", b"x", "a.png")
LARGE = part("files", b"x" * (UPLOAD_LIMIT + 1), "b.png")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The temporary files of the test."""
    files: list[Any] = []
    real = tempfile.SpooledTemporaryFile.__init__

    def begin(file: Any, *arguments: Any, **named: Any) -> None:
        real(file, *arguments, **named)
        files.append(file)

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "__init__", begin)
    return files


@pytest.mark.parametrize(
    ("form", "status", "count"),
    [
        pytest.param(GOOD + b"--b--\r\n", 201, 1, id="good"),
        pytest.param(GOOD + LARGE + b"--b--\r\n", 413, 2, id="too large"),
        pytest.param(GOOD * 1001 + b"--b--\r\n", 413, 1000, id="too many"),
        pytest.param(GOOD + b"--b\r\nnonsense", 422, 1, id="breaks off"),
        pytest.param(part("files", b"x", "../a") + b"--b--\r\n", 422, 1, id="bad name"),
        pytest.param(GOOD + part("folder", b"x" * 2 * 1024**2) + b"--b--\r\n", 413, 1, id="a large text"),
    ],
)
def test_the_temporary_files_of_an_upload_are_closed_at_once(
    make_client: MakeClient, begun: list[Any], form: bytes, status: int, count: int
) -> None:
    answer = make_client().post("/api/v1/files", data=form, content_type=FORM)
    assert (answer.status_code, len(begun)) == (status, count)
    assert all(file.closed for file in begun)


def test_a_form_is_read_no_further_than_its_owner_may_store(
    world: World, make_client: MakeClient, begun: list[Any]
) -> None:
    world.limit(stored_bytes=2500)
    whole = part("files", b"x" * UPLOAD_LIMIT, "a.png")
    other = part("unread", b"y" * UPLOAD_LIMIT, "b.png")
    client = make_client()
    for form, status, count in ((whole * 2, 201, 2), (whole * 3 + other * 3, 429, 3), (whole + other * 5, 429, 3)):
        begun.clear()
        answer = client.post("/api/v1/files", data=form + b"--b--\r\n", content_type=FORM)
        assert (answer.status_code, len(begun)) == (status, count)
        assert all(file.closed for file in begun)
    assert int(answer.headers["Retry-After"]) > 0
