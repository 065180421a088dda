"""Downloads where users reach the bucket themselves: who asks is checked here, and the bytes come from there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient

from jobengine.artifacts import open_artifact_store
from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.api.test_content import content_of
from tests.api.test_native import finish_with_artifact, submit
from tests.s3_server import KEY, SECRET, S3Server, running_s3
from tests.unit.engine.world import World

BUCKET = "https://files.example.org"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What addresses are signed with."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def reachable(world: World, credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users reach the store of this test at ``BUCKET``; to sign an address, nobody has to be there."""
    store = open_artifact_store(f"s3://bucket/prefix?public_endpoint={BUCKET}")
    monkeypatch.setattr(world.artifacts, "url", store.url)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """One server for all tests."""
    with running_s3() as server:
        yield server


def artifact_of(world: World, client: FlaskClient) -> str:
    """The signed address of a new artifact, without the host."""
    job = submit(client)
    finish_with_artifact(world)
    address = client.get(f"/api/v1/jobs/{job['id']}").json["artifacts"][0]["url"]
    return str(address).removeprefix(world.settings.public_url)


@pytest.mark.usefixtures("reachable")
def test_a_signed_address_and_a_key_lead_to_the_bucket_for_some_minutes(world: World, make_client: MakeClient) -> None:
    signed = artifact_of(world, make_client())
    for client, path in ((make_client(None), signed), (make_client(), signed.partition("?")[0])):
        answer = client.get(path)
        assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (302, b"", "no-store")
        parts = urlsplit(answer.headers["Location"])
        sha256 = hashlib.sha256(b"0123456789").hexdigest()
        assert (parts.netloc, parts.path.rpartition("/")[2]) == ("files.example.org", sha256)
        wanted = parse_qs(parts.query)
        assert wanted["response-content-disposition"] == ["attachment; filename*=UTF-8''table.csv"]
        assert wanted["response-content-type"] == ["text/csv"]
        assert 0 < int(wanted["X-Amz-Expires"][0]) <= 600


@pytest.mark.usefixtures("reachable")
def test_nobody_gets_an_address_at_the_bucket_who_would_not_get_the_bytes(
    world: World, make_client: MakeClient
) -> None:
    signed = artifact_of(world, make_client())
    bare = signed.partition("?")[0]
    file = content_of(make_client())
    other = make_client(owner="other")
    refused = [(make_client(None), bare, 401), (other, bare, 404), (other, file, 404), (make_client(None), file, 401)]
    for client, path, status in [*refused, (make_client(None), f"{signed}x", 403)]:
        answer = client.get(path)
        assert (answer.status_code, "Location" in answer.headers) == (status, False)
    world.now += world.settings.url_lifetime_seconds + 1
    assert make_client(None).get(signed).status_code == 403


@pytest.mark.usefixtures("reachable")
def test_what_the_bucket_could_not_answer_is_answered_here(make_client: MakeClient) -> None:
    client = make_client()
    path = content_of(client)
    head = client.head(path)
    assert (head.status_code, head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (200, "10", "bytes")
    etag = head.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    rest = client.get(path, headers={"Range": "bytes=4-", "If-Range": etag})
    assert (rest.status_code, rest.data) == (206, b"456789")
    # Of a range without a condition, or with a condition on the bucket's ETag, the bucket knows what to make.
    for headers in ({"Range": "bytes=4-"}, {"Range": "bytes=4-", "If-Range": '"other"'}, {"If-None-Match": '"other"'}):
        assert client.get(path, headers=headers).status_code == 302


@pytest.mark.usefixtures("reachable")
def test_a_key_that_clients_would_send_on_to_the_bucket_leads_to_the_bytes_here(
    world: World, make_client: MakeClient
) -> None:
    signed = artifact_of(world, make_client())
    keyed = make_client(None)
    keyed.environ_base["HTTP_X_API_KEY"] = world.engine.create_key("lab", Role.SUBMITTER)
    # Also to a signed address, which needs no key: a client may send it with everything.
    for path in (signed, signed.partition("?")[0], content_of(make_client())):
        answer = keyed.get(path)
        assert (answer.status_code, answer.data, "Location" in answer.headers) == (200, b"0123456789", False)


def test_without_an_endpoint_for_users_the_bytes_come_from_here(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get(content_of(client)).data == b"0123456789"


@pytest.mark.usefixtures("credentials")
def test_a_name_with_half_a_character_is_signed_as_well() -> None:
    store = open_artifact_store(f"s3://bucket?public_endpoint={BUCKET}")
    assert "half%2520%253F.csv" in str(store.url("f" * 64, "half \ud83d.csv", "text/csv", 60))


def test_without_credentials_a_download_says_that_the_store_is_away(
    world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setattr(world.artifacts, "url", open_artifact_store(f"s3://bucket?public_endpoint={BUCKET}").url)
    client = make_client()
    answer = client.get(content_of(client))
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")


def test_the_description_says_where_a_download_may_lead(make_client: MakeClient) -> None:
    paths = make_client(None).get("/api/v1/openapi.json").json["paths"]
    for path in ("/api/v1/artifacts/{artifact_id}/content", "/api/v1/files/{file_id}/content"):
        described = paths[path]["get"]["responses"]["302"]
        assert described["headers"].keys() == {"Location", "X-Request-ID"}
        assert "content" not in described


@pytest.mark.thorough
@pytest.mark.xdist_group("s3")
@pytest.mark.usefixtures("credentials")
def test_whoever_follows_gets_the_bytes_and_ranges_of_them(
    s3: S3Server, world: World, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_artifact_store(f"{s3.url('elsewhere')}&public_endpoint={s3.endpoint}")
    for name in ("put", "open", "url"):
        monkeypatch.setattr(world.artifacts, name, getattr(store, name))
    path = content_of(make_client(), "Zählung 1.csv")
    address = make_client(Role.VIEWER).get(path).headers["Location"]
    answer = httpx.get(address)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert "Z%C3%A4hlung%201.csv" in answer.headers["Content-Disposition"]
    part = httpx.get(address, headers={"Range": "bytes=2-4", "If-Range": answer.headers["ETag"]})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert httpx.get(address, headers={"Range": "bytes=10-"}).status_code == 416
    assert httpx.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
