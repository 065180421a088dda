"""Artifacts in a directory: one file per content, named by its hash.

Bytes are written to a temporary name, synced and moved into place, so a name that can be seen is always complete.
"""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from jobengine.domain.errors import EngineError, ErrorCode, not_found
from jobengine.domain.interfaces.artifacts import StoredBytes

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHUNK_BYTES = 1024 * 1024
_STALE_SECONDS = 86_400.0


class DirectoryStore:
    """A directory with two levels of folders; ``incoming`` holds what is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._incoming = path / "incoming"

    def put(self, source: BinaryIO, *, limit_bytes: int | None = None) -> StoredBytes:
        """Store a stream to its end; see ``ArtifactStore.put``."""
        with _mapped_failures():
            self._incoming.mkdir(parents=True, exist_ok=True)
            target = tempfile.NamedTemporaryFile(dir=self._incoming, delete=False)  # noqa: SIM115 - closed below
        path = Path(target.name)
        try:
            with target:
                return self._write(source, cast(BinaryIO, target), path, limit_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """A stream of the bytes from ``start``, of ``length`` bytes or to the end."""
        with _mapped_failures("read"):
            try:
                stream = self._place(sha256).open("rb")
            except FileNotFoundError:
                raise not_found("artifact", sha256) from None
            stream.seek(start)
        return stream if length is None else cast(BinaryIO, io.BufferedReader(_Stretch(stream, length)))

    def stat(self, sha256: str) -> StoredBytes | None:
        """Size and time of what is stored under the hash."""
        if not _SHA256.fullmatch(sha256):
            return None
        with _mapped_failures("read"):
            try:
                found = self._place(sha256).stat()
            except FileNotFoundError:
                return None
        return StoredBytes(sha256, found.st_size, found.st_mtime)

    def delete(self, sha256s: Iterable[str], *, stored_before: float = math.inf) -> int:
        """Remove what is there of these and was stored before a time; how many that was."""
        with _mapped_failures():
            return sum(self._remove(self._place(sha256), stored_before) for sha256 in sha256s)

    def entries(self) -> Iterator[StoredBytes]:
        """Everything that is complete; what was left half written more than a day ago is removed on the way."""
        self._remove_stale()
        for path in self._path.glob("??/??/*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield StoredBytes(path.name, found.st_size, found.st_mtime)

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless the directory is there, or can be made, and may be written."""
        with _mapped_failures():
            self._incoming.mkdir(parents=True, exist_ok=True)
            if not os.access(self._incoming, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def url(self, sha256: str, name: str, media_type: str, expires_seconds: float) -> str | None:
        """None: a directory serves nobody."""
        return None

    def _write(self, source: BinaryIO, target: BinaryIO, path: Path, limit_bytes: int | None) -> StoredBytes:
        digest, size = hashlib.sha256(), 0
        # Reading is outside of the mapping: that the source breaks off is not the store's failure.
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if limit_bytes is not None and size > limit_bytes:
                raise EngineError(ErrorCode.TOO_LARGE, f"There are more than {limit_bytes} bytes.")
            digest.update(chunk)
            with _mapped_failures():
                target.write(chunk)
        with _mapped_failures():
            target.flush()
            os.fsync(target.fileno())
            place = self._place(digest.hexdigest())
            place.parent.mkdir(parents=True, exist_ok=True)
            # Moved also where the content exists: that makes it young again, and the pruner spares what is young.
            os.replace(path, place)
            _sync_folders(place.parent, self._path)
            return StoredBytes(place.name, size, place.stat().st_mtime)

    def _remove(self, place: Path, stored_before: float) -> bool:
        """Remove a content, unless it is stored again while we are at it."""
        leaving = self._incoming / f"leaving-{uuid.uuid4().hex}"
        try:
            if place.stat().st_mtime >= stored_before:
                return False
            self._incoming.mkdir(exist_ok=True)
            # Looked at again under a name that nobody writes to: what has come in between is young, and goes back.
            os.rename(place, leaving)
        except FileNotFoundError:
            return False
        if leaving.stat().st_mtime >= stored_before:
            with suppress(FileExistsError):
                os.link(leaving, place)
        leaving.unlink()
        return not place.exists()

    def _place(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise not_found("artifact", sha256)
        return self._path / sha256[:2] / sha256[2:4] / sha256

    def _remove_stale(self) -> None:
        for path in self._incoming.glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()


@contextmanager
def _mapped_failures(wanted: str = "written") -> Iterator[None]:
    """Raise UNAVAILABLE for whatever keeps the disk from doing what it was asked."""
    try:
        yield
    except OSError as error:
        message = f"The artifact store cannot be {wanted}: {error.strerror}."
        raise EngineError(ErrorCode.UNAVAILABLE, message, retry_after_seconds=10.0) from error


def _sync_folders(folder: Path, top: Path) -> None:
    """Write the names in the folder, and of it, to the disk: after a power cut the ledger still has its row."""
    for path in (folder, folder.parent, top):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Stretch(io.RawIOBase):
    """The next ``length`` bytes of a stream."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(min(len(buffer), self._left))
        self._left -= len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        super().close()
