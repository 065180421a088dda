"""Artifacts in an S3 bucket: one object per content, named by its hash.

Bytes are spooled to the local disk while they are hashed, and uploaded under their final name, in parts where they are
large. An object of S3 can be seen when all of it is there and not before, so no half file is ever seen.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from jobengine.domain.errors import EngineError, ErrorCode, not_found
from jobengine.domain.interfaces.artifacts import StoredBytes

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHUNK_BYTES = 1024 * 1024
_PART_BYTES = 8 * 1024 * 1024
_SPOOL_BYTES = 1024 * 1024
"""What is smaller is held in memory while it is hashed."""


class S3ArtifactStore:
    """``ArtifactStore`` on a bucket. Credentials come from the standard ``AWS_`` variables."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint: str | None = None,
        region: str | None = None,
        public_endpoint: str | None = None,
    ) -> None:
        # A server that names no region wants one in the signature all the same.
        region = region or "us-east-1"
        settings: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        options: Any = {"allow_http": (endpoint or "").startswith("http://"), "connect_timeout": "5s", "timeout": "60s"}
        retry: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
        self._name, self._prefix = bucket, prefix
        self._bucket = Bucket(
            bucket, prefix=prefix or None, region=region, client_options=options, retry_config=retry, **settings
        )
        self._signer = _open_signer(public_endpoint, region) if public_endpoint else None
        # Whoever asks how the bucket is wants an answer now, and is not served by patience.
        soon: Any = {**options, "connect_timeout": "2s", "timeout": "2s"}
        at_once: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=2)}
        self._probe = Bucket(
            bucket, prefix=prefix or None, region=region, client_options=soon, retry_config=at_once, **settings
        )

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream to its end; see ``ArtifactStore.put``."""
        digest, size = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, prefix="jobengine-") as spool:
            # Reading is outside of the mapping: that the source breaks off is not the store's failure.
            while chunk := source.read(_CHUNK_BYTES):
                size += len(chunk)
                if limit_bytes is not None and size > limit_bytes:
                    raise EngineError(ErrorCode.TOO_LARGE, f"There are more than {limit_bytes} bytes.")
                digest.update(chunk)
                with _mapped_failures():
                    spool.write(chunk)
            name = digest.hexdigest()
            with _mapped_failures():
                spool.seek(0)
                # Written also where the content exists: that makes it young again, and the pruner spares what is young.
                obstore.put(self._bucket, _place(name), cast(Any, spool), chunk_size=_PART_BYTES, max_concurrency=2)
                return self._stat(name)

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes from ``start``, of ``length`` bytes or to the end."""
        place = _checked_place(sha256)
        with _mapped_failures(sha256):
            size = int(obstore.head(self._bucket, place)["size"])
            stop = size if length is None else min(size, start + length)
            if start >= stop:
                return io.BytesIO()
            answer = obstore.get(self._bucket, place, options={"range": (start, stop)})
            return cast(BinaryIO, io.BufferedReader(_Stream(iter(answer.stream(min_chunk_size=_CHUNK_BYTES)))))

    def stat(self, sha256: str) -> StoredBytes | None:
        """Size and time of what is stored under the hash."""
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            with _mapped_failures(sha256):
                return self._stat(sha256)
        except EngineError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove what is there of these and was stored before a time; how many that was.

        A bucket cannot look and remove in one go: each is looked at right before it is removed.
        """
        return sum(self._remove(sha256, stored_before) for sha256 in sha256s)

    def entries(self) -> Iterator[StoredBytes]:
        """Everything that is stored."""
        with _mapped_failures():
            for rows in obstore.list(self._bucket):
                for row in rows:
                    name = str(row["path"]).rpartition("/")[2]
                    if _SHA256.fullmatch(name):
                        yield StoredBytes(name, int(row["size"]), row["last_modified"].timestamp())

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless the bucket answers within two seconds."""
        with _mapped_failures():
            obstore.list(self._probe, "check", chunk_size=1).collect()

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """An address at the bucket itself, signed, under which the bytes have a name and a type.

        None where no endpoint is known that users can reach.
        """
        if self._signer is None:
            return None
        from botocore.exceptions import BotoCoreError

        spelled = quote(name, safe="", errors="replace")
        wanted = {
            "Bucket": self._name,
            "Key": "/".join(part for part in (self._prefix, _checked_place(sha256)) if part),
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{spelled}",
            "ResponseContentType": media_type,
        }
        try:
            return str(self._signer.generate_presigned_url("get_object", Params=wanted, ExpiresIn=int(expires_seconds)))
        except BotoCoreError as error:
            # There are no credentials, or those that others give out cannot be had now.
            raise _unavailable(error) from error

    def _remove(self, sha256: str, stored_before: float) -> bool:
        found = self.stat(sha256)
        if found is None or found.stored_at >= stored_before:
            return False
        with _mapped_failures():
            obstore.delete(self._bucket, [_place(sha256)])
        return True

    def _stat(self, sha256: str) -> StoredBytes:
        found = obstore.head(self._bucket, _place(sha256))
        return StoredBytes(sha256, int(found["size"]), found["last_modified"].timestamp())


def _open_signer(endpoint: str, region: str) -> Any:
    """What signs addresses that carry a name and a type; it connects to nothing."""
    # botocore is loaded where somebody asks for such addresses only: it takes longer than all the rest.
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return get_session().create_client("s3", region_name=region, endpoint_url=endpoint, config=config)


def _place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _checked_place(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise not_found("artifact", sha256)
    return _place(sha256)


@contextmanager
def _mapped_failures(sha256: str = "") -> Iterator[None]:
    """Raise NOT_FOUND for an object that is missing, and UNAVAILABLE for everything else that goes wrong."""
    try:
        yield
    except FileNotFoundError:
        raise not_found("artifact", sha256) from None
    except (BaseError, OSError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> EngineError:
    message = f"The artifact store cannot be used: {_first_line(error)}."
    return EngineError(ErrorCode.UNAVAILABLE, message, retry_after_seconds=10.0)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


class _Stream(io.RawIOBase):
    """Chunks that arrive, as a file to read from."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            with _mapped_failures():
                self._rest = memoryview(bytes(next(self._chunks, b"")))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
