"""Nothing that a key opens is kept for others on the way, and browsers take every answer for what it says it is."""

from __future__ import annotations

import pytest

from tests.api.conftest import MakeClient
from tests.api.test_content import content_of

SAFE = "nosniff"


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/jobs", "/batches", "/api/v1/nothing", "/health/ready", "/metrics"])
def test_answers_are_not_stored(make_client: MakeClient, path: str) -> None:
    for client in (make_client(), make_client(None)):
        answer = client.get(path)
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", SAFE), path


def test_bytes_are_kept_by_whoever_asked_alone_and_asked_for_again(make_client: MakeClient) -> None:
    client = make_client()
    path = content_of(client)
    whole = client.get(path)
    for headers, status in (({}, 200), ({"Range": "bytes=1-2"}, 206), ({"If-None-Match": whole.headers["ETag"]}, 304)):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "private, no-cache")
    assert client.get(path, headers={"Range": "bytes=90-"}).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/api//v1/jobs?limit=1", "/api/v1//jobs?limit=1"])
def test_a_path_with_two_slashes_leads_to_the_same_host_in_the_same_way(make_client: MakeClient, path: str) -> None:
    # It knows neither host nor scheme that clients see behind a proxy.
    answer = make_client(None).post(path, headers={"Host": "web.internal:8080"})
    assert (answer.status_code, answer.headers["Location"]) == (308, path.replace("//", "/"))
    assert (answer.data, answer.headers["Cache-Control"]) == (b"", "no-store")
