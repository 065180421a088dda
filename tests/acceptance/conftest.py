"""The whole system for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.system import System, running_system


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own."""
    with running_system(tmp_path / "data") as running:
        yield running
