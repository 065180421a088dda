"""The engine in memory, fresh for each test."""

from __future__ import annotations

import pytest

from tests.unit.engine.world import World


@pytest.fixture
def world() -> World:
    """An engine with one owner and one worker."""
    return World()
