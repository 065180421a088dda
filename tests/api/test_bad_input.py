"""Rubbish gets a clear 4xx, and nothing is stored."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

pytestmark = pytest.mark.thorough

FORM = "multipart/form-data; boundary=b"
BY_STEP = 'Give parameters by the step that takes them, like {"segment": {"sigma": 1.5}}.'
DEEP = "[" * 100_000 + "]" * 100_000

BODIES = {
    "no JSON": "{pipeline: noop}",
    "half": '{"pipeline": "noop"',
    "empty": "",
    "not an object": '["noop"]',
    "a number": "7",
    "wrong type": '{"pipeline": 7}',
    "wrong list": '{"pipeline": "noop", "files": {"a": 1}}',
    "wrong items": '{"pipeline": "noop", "files": [1, 2]}',
    "unknown name": '{"pipeline": "external", "colour": "red"}',
    "twice": '{"pipeline": "external", "pipeline": "external"}',
    "deep": '{"pipeline": "external", "parameters": {"work": {"x": ' + DEEP + "}}}",
    "NUL": '{"pipeline": "external", "name": "a\\u0000b"}',
    "lone surrogate": '{"pipeline": "external", "name": "\\ud800"}',
    "beyond 64 bits": '{"pipeline": "external", "priority": 99999999999999999999999}',
    "infinite": '{"pipeline": "external", "priority": 1e999}',
    "NaN": '{"pipeline": "external", "priority": NaN}',
    "a true priority": '{"pipeline": "external", "priority": true}',
    "a fraction": '{"pipeline": "external", "priority": 1.5}',
    "an endless name": json.dumps({"pipeline": "external", "name": "x" * 301}),
    "bytes": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_bad_body_is_refused_with_a_sentence(world: World, make_client: MakeClient, body: Any) -> None:
    client = make_client()
    answer = client.post("/api/v1/jobs", data=body, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    assert answer.mimetype == "application/problem+json"
    assert len(answer.json["detail"]) > 10
    assert client.get("/api/v1/jobs").json["items"] == []


def test_a_huge_body_is_refused_before_it_is_read(make_client: MakeClient) -> None:
    body = '{"pipeline": "external", "name": "' + "x" * (17 * 1024**2) + '"}'
    answer = make_client().post("/api/v1/jobs", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=1001", "limit=x", "limit=1e3", "offset=-1", "cursor=zz", "order=sideways"),
        *("state=asleep", "created_before=yesterday", "created_after=2024-13-45", "label=novalue", "sort=age"),
        *("colour=red", "batch=zz", "finished_before=999999999999999999999", "limit=99999999999999999999"),
        *("text=", "limit=1&limit=1", "created_after=9999-12-31T23:59:59-12:00", "created_before=1969-12-31"),
        *("id=zz", f"id={'f' * 25}", "method="),
    ],
)
def test_a_bad_query_is_refused_with_its_field(make_client: MakeClient, query: str) -> None:
    answer = make_client().get(f"/api/v1/jobs?{query}")
    assert answer.status_code == 422, answer.text
    name = query.partition("=")[0]
    # Of an argument that may come several times, the place of the wrong one is named too.
    assert answer.json["field"] == (f"{name}.0" if name in ("id", "label", "state") else name)


@pytest.mark.parametrize(
    "query",
    [
        *("", "?dry_run=true", "?created_before=yesterday", "?colour=red", "?all=perhaps"),
        *("?text=", "?pipeline=", "?method=", "?batch=", "?parent=", "?id=", "?state=", "?label=", "?label==1"),
        *(
            "?created_before=",
            "?finished_after=",
            "?text=a&text=b",
            "?all=true&all=false",
            "?created_before=0001-01-01",
        ),
    ],
)
def test_deleting_many_without_sound_criteria_deletes_nothing(
    world: World, make_client: MakeClient, query: str
) -> None:
    job = world.submit("noop")
    client = make_client()
    for answer in (client.delete(f"/api/v1/jobs{query}"), client.post(f"/api/v1/jobs/cancel{query}")):
        assert answer.status_code == 422, answer.text
    assert client.get(f"/api/v1/jobs/{job.id}").json["state"] == "pending"


def upload(client: FlaskClient, name: str, data: bytes = b"x", **form: str) -> Any:
    """The answer to an upload."""
    return client.post("/api/v1/files", data={"files": (io.BytesIO(data), name), **form})


@pytest.mark.parametrize("name", ["a/b.png", "-rf", "%2e%2e", "...", "..png", "C:.png", "~/.profile"])
def test_a_name_is_only_a_name(world: World, make_client: MakeClient, name: str) -> None:
    client = make_client()
    answer = upload(client, name, folder="plate 1/well A")
    assert answer.status_code == 201
    file = answer.json["items"][0]
    assert (file["name"], file["folder"]) == (name, "plate 1/well A")
    content = client.get(f"/api/v1/files/{file['id']}/content")
    assert content.data == b"x"
    assert content.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ["a\x01b.png", "x" * 256, ""])
def test_a_name_that_is_none_is_refused(make_client: MakeClient, name: str) -> None:
    client = make_client()
    # As it stands on the wire: clients of tests escape and leave out what they find odd.
    head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    answer = client.post("/api/v1/files", data=head.encode() + b"x\r\n--b--\r\n", content_type=FORM)
    assert (answer.status_code, answer.json["field"]) == (422, "name")
    folder = upload(client, "a.png", folder="x" * 256)
    assert (folder.status_code, folder.json["field"]) == (422, "folder")
    assert client.get("/api/v1/files").json["items"] == []


def test_uploads_without_a_file_or_past_the_limit_are_refused(make_client: MakeClient) -> None:
    client = make_client()
    empty = client.post("/api/v1/files", data={"folder": "a"}, content_type="multipart/form-data")
    assert (empty.status_code, empty.json["field"]) == (422, "files")
    raw = client.post("/api/v1/files", data=b"raw", content_type="image/png")
    assert (raw.status_code, raw.json["code"]) == (415, "unsupported_media_type")
    assert upload(client, "big.png", b"x" * 1001).status_code == 413


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
def test_a_body_that_does_not_say_that_it_is_json_is_not_read(
    make_client: MakeClient, content_type: str | None
) -> None:
    answer = make_client().post("/api/v1/jobs", data=b'{"pipeline": "external"}', content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert make_client().get("/api/v1/jobs").json["items"] == []


def test_an_archive_is_bytes_like_any_other_and_is_never_opened(world: World, make_client: MakeClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 300_000)
    client = make_client()
    answer = upload(client, "bomb.zip", packed.getvalue())
    assert (answer.status_code, answer.json["items"][0]["size_bytes"]) == (201, len(packed.getvalue()))
    # What would be unpacked goes far past the upload limit; one file as it came is all there is.
    assert list(world.artifacts.contents.values()) == [packed.getvalue()]
    assert client.get(f"/api/v1/files/{answer.json['items'][0]['id']}/content").data == packed.getvalue()


def test_a_body_that_says_it_is_packed_is_not_unpacked(make_client: MakeClient) -> None:
    body = gzip.compress(b'{"pipeline": "external", "name": "' + b" " * 10**7 + b'"}')
    answer = make_client().post(
        "/api/v1/jobs", data=body, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "Bearer je_x", "Bearer " + "x" * 5000, "je_x"])
def test_what_is_no_key_is_a_401(make_client: MakeClient, header: str) -> None:
    answer = make_client(None).get("/api/v1/jobs", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"parameters": {"sigma": 1}}, BY_STEP),
        ({"parameters": [1]}, BY_STEP),
        ({"labels": ["plate"]}, 'Give labels as an object of texts, like {"plate": "7"}.'),
    ],
)
def test_what_has_another_shape_is_refused_with_the_right_one(
    make_client: MakeClient, body: dict[str, Any], said: str
) -> None:
    answer = make_client().post("/api/v1/jobs", json={"pipeline": "cells", **body})
    assert (answer.status_code, answer.json["detail"]) == (422, said)
