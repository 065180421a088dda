"""Bytes in and out: names and types of files, ranges, conditions, and how much is read."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobengine.domain.reports import ReportKind
from tests.api.conftest import MakeClient
from tests.api.test_bad_input import upload
from tests.unit.engine.world import World


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application behind a real server, which writes real headers; its address."""
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def content_of(client: FlaskClient, name: str = "a.bin", data: bytes = b"0123456789", **part: str) -> str:
    """The path of a new file's bytes."""
    answer = client.post("/api/v1/files", data={"files": (io.BytesIO(data), name, *part.values())})
    assert answer.status_code == 201, answer.json
    return f"/api/v1/files/{answer.json['items'][0]['id']}/content"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.png", "attachment; filename=a.png"),
        ("日本.png", "attachment; filename=file.png; filename*=UTF-8''%E6%97%A5%E6%9C%AC.png"),
        ("Größe µ.csv", "attachment; filename=\"Groe .csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%C2%B5.csv"),
        ('a"b\\c', 'attachment; filename="a\\"b\\\\c"'),
        ("\U0001f9ec", "attachment; filename=file; filename*=UTF-8''%F0%9F%A7%AC"),
        ("a\x7fb", "attachment; filename=ab; filename*=UTF-8''a%7Fb"),
    ],
)
def test_a_file_of_any_name_is_downloaded_from_a_real_server(
    world: World, make_client: MakeClient, name: str, header: str
) -> None:
    client = make_client()
    path = content_of(client)
    # A form has no spelling of its own for some of these; steps name their artifacts as they like.
    with world.store.begin() as ledger:
        (file,) = ledger.files.fetch([path.split("/")[4]]).values()
        ledger.files.delete([file.id])
        ledger.files.insert([file._replace(name=name)])
    with served(client.application) as address:
        headers = {"Authorization": client.environ_base["HTTP_AUTHORIZATION"]}
        answer = httpx.get(f"{address}{path}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["Content-Disposition"] == header


@pytest.mark.parametrize(
    "kind", ["image/\u00e4", "a/b\x01c", "image", "image/png/x", "a b/c", "x/" + "y" * 99, "/", " /x"]
)
def test_a_media_type_that_is_none_is_refused(make_client: MakeClient, kind: str) -> None:
    client = make_client()
    answer = client.post("/api/v1/files", data={"files": (io.BytesIO(b"x"), "a.png", kind)})
    assert (answer.status_code, answer.json["field"]) == (422, "media_type")
    assert client.get("/api/v1/files").json["items"] == []


def test_a_step_that_names_no_media_type_makes_plain_bytes(world: World, make_client: MakeClient) -> None:
    client = make_client()
    stored = world.artifacts.put(io.BytesIO(b"0123456789"))
    saved = {"name": "a\r\nb", "media_type": "text/\u65e5\r\nX: y", "size_bytes": 10, "sha256": stored.sha256}
    job = world.submit("noop")
    (delivery,) = world.take()
    world.say(ReportKind.SUCCEEDED, delivery, delivery.tasks[0], result={}, artifacts=[saved])
    world.engine.record()
    (artifact,) = client.get(f"/api/v1/jobs/{job.id}").json["artifacts"]
    answer = client.get(artifact["url"])
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"0123456789", "application/octet-stream")
    assert answer.headers["Content-Disposition"] == "attachment; filename=ab; filename*=UTF-8''a%0D%0Ab"


@pytest.mark.parametrize(
    ("headers", "status", "data"),
    [
        ({}, 200, b"0123456789"),
        ({"Range": "bytes=2-4"}, 206, b"234"),
        ({"Range": "bytes=-3"}, 206, b"789"),
        ({"Range": "bytes=8-99"}, 206, b"89"),
        ({"Range": "bytes=0-1,4-5"}, 200, b"0123456789"),
        ({"Range": "lines=0-1"}, 200, b"0123456789"),
        ({"Range": "bytes=x"}, 200, b"0123456789"),
        ({"Range": "bytes=2-4", "If-Range": "ETAG"}, 206, b"234"),
        ({"Range": "bytes=2-4", "If-Range": '"other"'}, 200, b"0123456789"),
        ({"Range": "bytes=2-4", "If-Range": "W/ETAG"}, 200, b"0123456789"),
        ({"Range": "bytes=2-4", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"}, 200, b"0123456789"),
        ({"Range": "bytes=90-", "If-Range": '"other"'}, 200, b"0123456789"),
        ({"If-None-Match": "ETAG"}, 304, b""),
        ({"If-None-Match": "W/ETAG"}, 304, b""),
        ({"If-None-Match": '"other", ETAG'}, 304, b""),
        ({"If-None-Match": "*"}, 304, b""),
        ({"If-None-Match": '"other"'}, 200, b"0123456789"),
    ],
)
def test_ranges_and_conditions(make_client: MakeClient, headers: dict[str, str], status: int, data: bytes) -> None:
    client = make_client()
    path = content_of(client)
    etag = client.get(path).headers["ETag"]
    given = {name: value.replace("ETAG", etag) for name, value in headers.items()}
    answer = client.get(path, headers=given)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (status, data, etag)


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=90-99"])
def test_a_range_that_is_not_there_is_a_problem_that_says_how_much_there_is(
    make_client: MakeClient, wanted: str
) -> None:
    client = make_client()
    answer = client.get(content_of(client), headers={"Range": wanted})
    assert (answer.status_code, answer.mimetype) == (416, "application/problem+json")
    assert (answer.json["code"], answer.headers["Content-Range"]) == ("range_not_satisfiable", "bytes */10")


def test_a_bad_file_of_several_keeps_all_from_being_stored(world: World, make_client: MakeClient) -> None:
    client = make_client()
    for second, status, field in (
        ((io.BytesIO(b"y"), "x" * 256), 422, "files.1.name"),
        ((io.BytesIO(b"y"), "b.png", "no type"), 422, "files.1.media_type"),
        ((io.BytesIO(b"y" * 1001), "b.png"), 413, "files"),
    ):
        answer = client.post("/api/v1/files", data={"files": [(io.BytesIO(b"x"), "a.png"), second]})
        assert (answer.status_code, answer.json["field"]) == (status, field)
        assert client.get("/api/v1/files").json["items"] == []
    world.limit(stored_bytes=15)
    both = [(io.BytesIO(bytes([n]) * 10), f"{n}.png") for n in range(2)]
    assert client.post("/api/v1/files", data={"files": both}).status_code == 429
    assert client.get("/api/v1/files").json["items"] == []


@pytest.mark.thorough
def test_the_limit_is_on_each_file_and_names_the_one_that_is_too_large(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    # Together more than a megabyte past the limit on one file.
    many = [(io.BytesIO(bytes([n % 256, n // 256]) * 500), f"{n}.png") for n in range(1500)]
    monkeypatch.setitem(client.application.config, "MAX_FORM_PARTS", 2000)
    assert client.post("/api/v1/files", data={"files": many}).status_code == 201
    answer = client.post("/api/v1/files", data={"files": [(io.BytesIO(b"x" * 1001), "big.png")]})
    assert (answer.status_code, answer.json["code"], "'big.png'" in answer.json["detail"]) == (413, "too_large", True)


def test_a_large_body_in_chunks_is_refused_while_it_is_read(make_client: MakeClient) -> None:
    read = 0

    class Endless(io.RawIOBase):
        """Says nothing about its end, and counts what was taken from it."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            nonlocal read
            assert read < 20 * 1024**2, "it is read on and on"
            buffer[:] = b" " * len(buffer)
            read += len(buffer)
            return len(buffer)

    client = make_client()
    body = {
        "wsgi.input": io.BufferedReader(Endless()),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    answer = client.post("/api/v1/jobs", content_type="application/json", environ_overrides=body)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


def test_a_name_with_a_control_character_is_refused(make_client: MakeClient) -> None:
    answer = upload(make_client(), "a.png", folder="a\x01b")
    assert (answer.status_code, answer.json["field"]) == (422, "folder")


@pytest.mark.parametrize("wanted", ["bytes=2-4", "bytes=90-"])
def test_a_head_has_no_ranges(make_client: MakeClient, wanted: str) -> None:
    client = make_client()
    answer = client.head(content_of(client), headers={"Range": wanted})
    assert (answer.status_code, answer.headers["Content-Length"], answer.data) == (200, "10", b"")
