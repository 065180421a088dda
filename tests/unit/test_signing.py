"""The secret that signs download addresses: made once, whole, and never an empty one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jobengine.artifacts.signing import UrlSigner, load_secret
from jobengine.config import Settings
from jobengine.domain.errors import EngineError, ErrorCode


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    secret = load_secret(settings)
    assert len(secret) >= 32
    assert load_secret(settings) == secret
    (file,) = (tmp_path / "data").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("secret.key", 0o600)
    assert load_secret(Settings(secret_key="as set", data_dir=str(tmp_path))) == "as set"


def test_a_process_that_comes_while_the_secret_is_made_never_reads_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=str(tmp_path))
    real, seen = os.fdopen, []

    def begin(*arguments: Any) -> Any:
        # The other process comes when the file is open, and nothing is written yet.
        monkeypatch.setattr(os, "fdopen", real)
        seen.append(load_secret(settings))
        return real(*arguments)

    monkeypatch.setattr(os, "fdopen", begin)
    assert [load_secret(settings)] == seen
    assert len(seen[0]) >= 32


def test_a_secret_that_is_empty_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()
    with pytest.raises(EngineError, match="is empty") as caught:
        load_secret(Settings(data_dir=str(tmp_path)))
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, "JOBENGINE_SECRET_KEY")


@pytest.mark.parametrize("token", ["", "x", ".", "WyJh.b", "é", "\x00", "W10.x" * 100])
def test_what_was_not_signed_is_refused(token: str) -> None:
    with pytest.raises(EngineError) as caught:
        UrlSigner("secret", lambda: 0.0).verify(token, "f" * 24)
    assert caught.value.code is ErrorCode.FORBIDDEN
