"""A worker's guard and keeper for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.transport.bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """One of them; its child is gone afterwards."""
    made = Bench()
    try:
        yield made
    finally:
        made.close()
