"""The artifact stores: one suite on a directory and on S3."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from jobengine.artifacts import open_artifact_store
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.artifacts import ArtifactStore
from tests.s3_server import KEY, SECRET, S3Server, running_s3
from tests.servers import wait_until

pytestmark = pytest.mark.xdist_group("s3")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """One server for all tests."""
    with running_s3() as server:
        yield server


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.thorough)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    """An empty store."""
    if request.param == "directory":
        return open_artifact_store((tmp_path / "artifacts").as_uri())
    server: S3Server = request.getfixturevalue("s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return open_artifact_store(server.url(tmp_path.name))


def digest(data: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(data).hexdigest()


def test_what_is_put_is_read_back_under_its_hash(store: ArtifactStore) -> None:
    for data in (b"", b"pixels", bytes(range(256)) * 10_000):
        stored = store.put(io.BytesIO(data))
        assert (stored.sha256, stored.size_bytes) == (digest(data), len(data))
        with store.open(stored.sha256) as stream:
            assert stream.read() == data
        found = store.stat(stored.sha256)
        assert found is not None
        assert found.size_bytes == len(data)


@pytest.mark.parametrize(("start", "length"), [(0, 1), (3, 4), (9, None), (8, 100), (10, None), (0, 0)])
def test_a_stretch_of_the_bytes(store: ArtifactStore, start: int, length: int | None) -> None:
    data = b"0123456789"
    stored = store.put(io.BytesIO(data))
    with store.open(stored.sha256, start, length) as stream:
        assert stream.read() == data[start : None if length is None else start + length]


def test_the_same_content_is_there_once_whoever_puts_it(store: ArtifactStore) -> None:
    data = b"x" * 300_000
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda _: store.put(io.BytesIO(data)), range(16)))
    assert {entry.sha256 for entry in stored} == {digest(data)}
    assert [entry.sha256 for entry in store.entries()] == [digest(data)]


def test_deleting_says_how_many_there_were(store: ArtifactStore) -> None:
    names = [store.put(io.BytesIO(data)).sha256 for data in (b"a", b"b", b"c")]
    assert store.delete([*names[:2], "f" * 64]) == 2
    assert [entry.sha256 for entry in store.entries()] == names[2:]
    assert store.stat(names[0]) is None
    with pytest.raises(EngineError) as refusal:
        store.open(names[0])
    assert refusal.value.code is ErrorCode.NOT_FOUND


class BrokenSource(io.RawIOBase):
    """Gives some bytes, then fails."""

    def __init__(self) -> None:
        self._left = 3

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError("the client went away")
        return b"x" * 1000


def test_a_source_that_breaks_off_leaves_nothing(store: ArtifactStore) -> None:
    with pytest.raises(ConnectionResetError):
        store.put(BrokenSource())  # type: ignore[arg-type]
    assert list(store.entries()) == []


def test_what_is_too_large_is_refused_and_leaves_nothing(store: ArtifactStore) -> None:
    with pytest.raises(EngineError) as refusal:
        store.put(io.BytesIO(b"x" * 11), limit_bytes=10)
    assert refusal.value.code is ErrorCode.TOO_LARGE
    assert list(store.entries()) == []
    assert store.put(io.BytesIO(b"x" * 10), limit_bytes=10).size_bytes == 10


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "f" * 63, "F" * 64, "f" * 64 + "\n", "a/b"])
def test_a_name_that_is_no_hash_is_not_found(store: ArtifactStore, name: str) -> None:
    assert store.stat(name) is None
    with pytest.raises(EngineError) as refusal:
        store.open(name)
    assert refusal.value.code is ErrorCode.NOT_FOUND


class Zeros(io.RawIOBase):
    """Many bytes that are made while they are read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        count = self._left if size < 0 else min(size, self._left)
        self._left -= count
        return b"\0" * count


def test_a_large_file_goes_through_in_pieces(store: ArtifactStore) -> None:
    size = 60 * 1024**2
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stored = store.put(Zeros(size))  # type: ignore[arg-type]
    read = 0
    with store.open(stored.sha256) as stream:
        while chunk := stream.read(1024**2):
            read += len(chunk)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert (stored.size_bytes, read) == (size, size)
    assert grown < size


def test_what_was_stored_again_meanwhile_is_not_deleted(store: ArtifactStore) -> None:
    stored = store.put(io.BytesIO(b"again"))
    assert store.delete([stored.sha256], stored_before=stored.stored_at) == 0
    assert store.stat(stored.sha256) is not None
    assert store.delete([stored.sha256], stored_before=stored.stored_at + 60.0) == 1
    assert list(store.entries()) == []


def test_bytes_that_come_while_the_old_ones_are_deleted_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_artifact_store(tmp_path.as_uri())
    stored = store.put(io.BytesIO(b"again"))
    place = next(tmp_path.glob("??/??/*"))
    os.utime(place, (0, 0))
    real_rename = os.rename

    def rename_late(source: Path, target: Path) -> None:
        store.put(io.BytesIO(b"again"))
        real_rename(source, target)

    monkeypatch.setattr(os, "rename", rename_late)
    assert store.delete([stored.sha256], stored_before=1000.0) == 0
    with store.open(stored.sha256) as stream:
        assert stream.read() == b"again"
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_full_disk_leaves_nothing_and_says_so(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(store.entries())
    with limited_file_size(100_000), pytest.raises(EngineError, match="artifact store cannot be") as refusal:
        store.put(io.BytesIO(b"x" * 3_000_000))
    assert refusal.value.code is ErrorCode.UNAVAILABLE
    assert list(store.entries()) == before
    assert store.put(io.BytesIO(b"x" * 3_000_000)).size_bytes == 3_000_000


@contextmanager
def limited_file_size(size_bytes: int) -> Iterator[None]:
    """Let the system refuse to make any file larger, as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.thorough
def test_a_signed_address_at_the_bucket_serves_the_bytes_under_their_name_until_it_expires(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    store = open_artifact_store(f"{s3.url(tmp_path.name)}&public_endpoint={s3.endpoint}")
    stored = store.put(io.BytesIO(b"signed"))
    address = store.url(stored.sha256, "Zählung 1.csv", "text/csv", 60)
    assert address is not None
    answer = httpx.get(address)
    assert (answer.content, answer.headers["Content-Type"]) == (b"signed", "text/csv")
    assert "Z%C3%A4hlung%201.csv" in answer.headers["Content-Disposition"]
    assert httpx.get(address[:-4] + "0000").status_code == 403
    short = store.url(stored.sha256, "a.csv", "text/csv", 1)
    wait_until(lambda: httpx.get(str(short)).status_code == 403, 20.0, "the end of the address")


def test_a_directory_that_cannot_be_read_is_unavailable_and_not_empty(tmp_path: Path) -> None:
    store = open_artifact_store(tmp_path.as_uri())
    stored = store.put(io.BytesIO(b"pixels"))
    folder = tmp_path / stored.sha256[:2]
    folder.rename(tmp_path / "aside")
    # As an error of a disk, or of a share that went away, a link to itself is no way to anything.
    folder.symlink_to(folder)
    for ask in (store.open, store.stat):
        with pytest.raises(EngineError, match="cannot be read") as caught:
            ask(stored.sha256)
        assert caught.value.code is ErrorCode.UNAVAILABLE


def test_a_store_that_works_passes_its_check(store: ArtifactStore) -> None:
    store.check()
    assert list(store.entries()) == []


def test_a_directory_that_cannot_be_there_fails_its_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EngineError) as caught:
        open_artifact_store((tmp_path / "file").as_uri()).check()
    assert caught.value.code is ErrorCode.UNAVAILABLE


@pytest.mark.thorough
def test_a_bucket_that_takes_connections_and_never_answers_fails_its_check_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = open_artifact_store(f"s3://bucket?endpoint=http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(EngineError) as caught:
            store.check()
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert time.monotonic() - began < 10


def test_a_store_that_users_cannot_reach_signs_no_addresses(store: ArtifactStore) -> None:
    stored = store.put(io.BytesIO(b"inside"))
    assert store.url(stored.sha256, "a.csv", "text/csv", 60) is None


@pytest.mark.thorough
def test_a_bucket_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    store = open_artifact_store("s3://artifacts/x?endpoint=http://127.0.0.1:9")
    for attempt in (lambda: store.put(io.BytesIO(b"x")), lambda: store.open("f" * 64), lambda: list(store.entries())):
        with pytest.raises(EngineError) as refusal:
            attempt()
        assert refusal.value.code is ErrorCode.UNAVAILABLE


@pytest.mark.parametrize(
    "url",
    ["ftp://host/x", "s3:///x", "file://host/x", "s3://bucket?colour=red", "/plain/path", "s3://b?public_endpoint=b"],
)
def test_an_address_of_another_kind_is_refused_by_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(EngineError) as refusal:
        open_artifact_store(url)
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.INVALID, "JOBENGINE_ARTIFACTS_URL")
