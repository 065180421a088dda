"""SampleDB's samples: bytes in every way that clients send them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.argus.sampledb import V2


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/json", b'{"a": 1}'),
        ("application/json", b"not JSON at all"),
        ("application/x-www-form-urlencoded", b"MZ=1&x=%00"),
        ("application/octet-stream", b"MZ"),
        ("", b"MZ"),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_sample_is_the_body_whatever_it_is(
    submitter: FlaskClient, media_type: str, data: bytes, is_chunked: bool
) -> None:
    # As the server of WSGI hands a body on that comes in chunks: without a length, and with an end.
    chunked = {"input_stream": io.BytesIO(data), "environ_overrides": {"wsgi.input_terminated": True}}
    sent = chunked if is_chunked else {"data": data}
    answer = submitter.post(f"{V2}/sample", content_type=media_type, **sent)
    assert answer.status_code == 201, answer.json
    sample = answer.json["data"]
    assert (sample["sha256"], sample["size"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_a_sample_may_be_a_part_of_a_form(submitter: FlaskClient) -> None:
    answer = submitter.post(f"{V2}/sample", data={"file": (io.BytesIO(b"MZ"), "a.exe")})
    assert (answer.json["data"]["size"], answer.json["data"]["fileName"]) == (2, "a.exe")


@pytest.mark.parametrize("body", [{"data": b""}, {"data": {"other": (io.BytesIO(b"MZ"), "a.exe")}}])
def test_a_sample_without_bytes_is_a_412(submitter: FlaskClient, body: Any) -> None:
    answer = submitter.post(f"{V2}/sample", **body)
    assert (answer.status_code, answer.json["messages"][0]["field"]) == (412, "file")
