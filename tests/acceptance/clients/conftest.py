"""One running system for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.system import System, running_system


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system; each test has owners of its own, and at the end nothing has broken in it."""
    data = tmp_path_factory.mktemp("clients") / "data"
    with running_system(data) as running:
        yield running
    assert (data / "logs" / "web.log").read_text().count("Traceback") == 0
