"""The client of the API: where it sends the key."""

from __future__ import annotations

import io

import httpx

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
