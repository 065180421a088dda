"""Sending stored bytes: streamed, with ETag and ranges, never shown inside a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from flask import Response, request
from werkzeug.http import dump_options_header

from api.parts import parts

_CHUNK_BYTES = 256 * 1024


def send_content(sha256: str, name: str, media_type: str, size_bytes: int) -> Response:
    """An answer with the bytes, or the one range of them that was asked for."""
    if request.if_none_match.contains(sha256):
        return _with_headers(Response(status=304), sha256, name)
    start, stop, status = 0, size_bytes, 200
    wanted = request.range.range_for_length(size_bytes) if request.range else None
    if wanted is not None:
        start, stop = wanted
        status = 206
    elif request.range:
        response = Response(status=416)
        response.headers["Content-Range"] = f"bytes */{size_bytes}"
        return response
    stream = parts().outside.artifacts.open(sha256, start, stop - start)
    response = Response(_chunks(stream), status, mimetype=media_type)
    response.headers["Content-Length"] = str(stop - start)
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    return _with_headers(response, sha256, name)


def _with_headers(response: Response, sha256: str, name: str) -> Response:
    response.set_etag(sha256)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    # What users uploaded is never run by a browser as a page of this site.
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
