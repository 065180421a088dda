"""The client of the API: where it sends the key, what it asks, and how often."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO, cast

import click
import httpx
import pytest

from jobengine.cli.client import ApiClient
from jobengine.cli.progress import CountedFile
from tests.unit.cli.conftest import Clock


def test_a_download_that_comes_from_elsewhere_is_followed_without_the_key() -> None:
    asked: list[tuple[str, bool]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, "Authorization" in request.headers))
        if request.url.host == "engine":
            return httpx.Response(302, headers={"Location": "http://bucket/object?signature=1"})
        return httpx.Response(200, content=b"bytes")

    target = io.BytesIO()
    ApiClient("http://engine", "je_key", httpx.MockTransport(answer)).download("artifacts", "content", target=target)
    assert (target.getvalue(), asked) == (b"bytes", [("engine", True), ("bucket", False)])


def test_the_address_of_the_native_api_is_as_good_as_that_of_the_server() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={})

    for url in ("http://engine", "http://engine/", "http://engine/api/v1", "http://engine/api/v1/"):
        ApiClient(url, "je_key", httpx.MockTransport(answer)).call("GET", "me")
    assert set(asked) == {"http://engine/api/v1/me"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:1", "protocol. Is it up"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1 cannot be reached: [Errno 111] Connection refused. Is it up"),
    ],
)
def test_an_address_where_nobody_is_is_said_in_sentences(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that leads out of this machine has nothing to do with what runs on it.
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(click.ClickException) as caught:
        ApiClient(url, "je_key").call("GET", "me")
    assert said in caught.value.message


def limited(after: int, times: int, sent: list[bytes]) -> ApiClient:
    """A client of an API that refuses so many requests for a limit, and keeps what is sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        if len(sent) <= times:
            problem = {"detail": "Too many.", "request_id": "1"}
            return httpx.Response(429, headers={"Retry-After": str(after)}, json=problem)
        return httpx.Response(200, json={"items": [{"id": "f"}]})

    return ApiClient("http://engine", "je_key", httpx.MockTransport(answer))


def test_a_limit_that_is_over_soon_is_waited_for(clock: Clock) -> None:
    sent: list[bytes] = []
    assert limited(2, 3, sent).call("GET", "jobs") == {"items": [{"id": "f"}]}
    assert (clock.now, len(sent)) == (6, 4)


def test_what_is_uploaded_again_after_a_limit_is_all_of_the_file(clock: Clock, tmp_path: Path) -> None:
    sent: list[bytes] = []
    path = tmp_path / "a.png"
    path.write_bytes(b"all of the bytes")
    counted: list[int] = []
    with path.open("rb") as source:
        limited(1, 2, sent).upload("a.png", cast(BinaryIO, CountedFile(source, counted.append)))
    assert [b"all of the bytes" in body for body in sent] == [True] * 3
    assert sum(counted) == 16


@pytest.mark.parametrize(("after", "passed"), [(60, 0), (10, 120)])
def test_a_limit_that_stays_is_said(clock: Clock, after: int, passed: int) -> None:
    with pytest.raises(click.ClickException) as caught:
        limited(after, 1000, []).call("GET", "jobs")
    assert caught.value.message == "Too many. (request 1)"
    assert clock.now == passed
