"""What an owner may store holds for the bytes as well: what is refused leaves none behind."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jobengine.artifacts.directory import DirectoryStore
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.engine import Engine
from jobengine.verbs.requests import Upload
from tests.unit.engine.world import OWNER, World

Add = Callable[..., list[str]]


@pytest.fixture
def bytes_store(tmp_path: Path) -> DirectoryStore:
    """Where the bytes are."""
    return DirectoryStore(tmp_path)


@pytest.fixture
def add(world: World, bytes_store: DirectoryStore) -> Add:
    """Store files of these contents in one call; their IDs."""
    engine = Engine(replace(world.outside, artifacts=bytes_store))

    def add_files(*contents: bytes, name: str = "a") -> list[str]:
        uploads = [Upload(f"{name}{number}", io.BytesIO(data)) for number, data in enumerate(contents)]
        return [file.id for file in engine.add_files(OWNER, uploads)]

    return add_files


def test_what_goes_past_the_limit_is_refused_before_its_bytes_are_kept(
    world: World, bytes_store: DirectoryStore, add: Add
) -> None:
    world.limit(stored_bytes=15)
    add(b"0123456789")
    for contents in ([b"abcdef"], [b"abcde", b"f"]):
        with pytest.raises(EngineError) as caught:
            add(*contents, name="b")
        assert caught.value.code is ErrorCode.LIMIT_REACHED
    assert sum(entry.size_bytes for entry in bytes_store.entries()) == 10


def test_what_is_there_already_takes_no_room(world: World, add: Add) -> None:
    world.limit(stored_bytes=15)
    first = add(b"0123456789")
    assert add(b"0123456789") == first
    assert len(add(b"0123456789", b"01234", b"01234", name="other")) == 3
