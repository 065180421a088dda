"""The client of the API: where it sends the key, and what it asks."""

from __future__ import annotations

import io

import click
import httpx
import pytest

from jobengine.cli.client import ApiClient


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
