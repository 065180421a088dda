"""Sending stored bytes: streamed, with ETag and ranges, never shown inside a page; or the way to where they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from api.parts import parts
from jobengine.domain.media import ANY, is_media_type

_CHUNK_BYTES = 256 * 1024
# A client follows at once; the rest is for clocks that differ.
_ELSEWHERE_SECONDS = 300.0
# The characters that an extended parameter holds as they are (RFC 8187, section 3.2.1).
_PLAIN = "!#$&+-.^_`|~"


def send_content(sha256: str, name: str, media_type: str, size_bytes: int) -> Response:
    """An answer with the bytes, or the one range of them that was asked for.

    Where users reach the artifact store themselves, they are sent there.
    """
    # Steps name types too, and a header holds nothing else.
    known_type = media_type if is_media_type(media_type) else ANY
    artifacts = parts().outside.artifacts
    if request.if_none_match.contains_weak(sha256):
        response = Response(status=304)
    elif not _is_answered_here(sha256) and (address := artifacts.url(sha256, name, known_type, _ELSEWHERE_SECONDS)):
        return _send_elsewhere(address)
    else:
        response = send_range(
            lambda start, length: artifacts.open(sha256, start, length), size_bytes, known_type, sha256
        )
    response.set_etag(sha256)
    # Whoever has the bytes asks before showing them again: the key, or the address, may not be good any more.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers.set("Content-Disposition", "attachment", **_spelled(name))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def send_range(
    open_stream: Callable[[int, int], BinaryIO], size_bytes: int, media_type: str, etag: str | None = None
) -> Response:
    """An answer with all bytes, or those of the range that was asked for; ``open_stream`` takes a start and a length.

    Raises RequestedRangeNotSatisfiable. Whoever asks for several ranges, in another unit, or of another state of the
    bytes, gets all (RFC 9110, section 14.2).
    """
    wanted = _wanted_range(size_bytes, etag)
    start, stop = wanted or (0, size_bytes)
    stream = open_stream(start, stop - start)
    response = Response(_chunks(stream), 206 if wanted else 200, mimetype=media_type)
    # Also where nobody reads: a HEAD, or a client that has left.
    response.call_on_close(stream.close)
    response.headers["Content-Length"] = str(stop - start)
    response.headers["Accept-Ranges"] = "bytes"
    if wanted:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    return response


def _is_answered_here(sha256: str) -> bool:
    """Whether the artifact store could not answer this, or should not see it.

    Addresses are signed for GET, and its ETags are others. Clients that follow to another host leave ``Authorization``
    behind, but send it every other header, and with this one the key.
    """
    if request.method == "HEAD" or "X-API-Key" in request.headers:
        return True
    return request.headers.get("If-Range") == f'"{sha256}"'


def _send_elsewhere(address: str) -> Response:
    # The address lets in whoever has it, and not for long: nobody is to keep it.
    response = Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})
    del response.headers["Content-Type"]
    return response


def _wanted_range(size_bytes: int, etag: str | None) -> tuple[int, int] | None:
    given, condition = request.range, request.headers.get("If-Range")
    # Ranges are defined for GET alone (RFC 9110, section 14.2).
    if request.method != "GET" or given is None or given.units != "bytes" or len(given.ranges) != 1:
        return None
    if condition is not None and condition != f'"{etag}"':
        return None
    wanted = given.range_for_length(size_bytes)
    if wanted is None:
        raise RequestedRangeNotSatisfiable(
            size_bytes, description=f"There are {size_bytes} bytes; ask for some of them."
        )
    return wanted


def _spelled(name: str) -> dict[str, str]:
    """A file name as parameters of a header, which holds ASCII: close to it and, where that differs, as it is."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(char for char in plain if char.isprintable())
    if plain == name:
        return {"filename": name}
    fallback = f"file{plain}" if not plain or plain.startswith(".") else plain
    return {"filename": fallback, "filename*": f"UTF-8''{quote(name, safe=_PLAIN, errors='replace')}"}


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk
