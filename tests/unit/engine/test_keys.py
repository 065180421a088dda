"""A key lets in whom it should, and nobody once it is revoked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.records import Role
from jobengine.verbs.owners import authenticate
from tests.unit.engine.world import World


def test_a_key_that_is_revoked_while_it_is_used_stays_revoked(world: World) -> None:
    text = world.engine.create_key("lab", Role.VIEWER)
    key_id = world.engine.authenticate(text).id
    world.now += 3600.0

    def revoke_first() -> float:
        """The clock is asked after the key was read, and before its use is noted."""
        world.engine.revoke_key(key_id)
        return world.now

    authenticate(replace(world.outside, clock=revoke_first), text)
    with pytest.raises(EngineError) as refusal:
        world.engine.authenticate(text)
    assert refusal.value.code is ErrorCode.UNAUTHENTICATED


def test_a_key_lets_in_while_nothing_can_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = world.engine.create_key("lab", Role.VIEWER)

    def refuse() -> None:
        raise EngineError(ErrorCode.UNAVAILABLE, "The ledger only reads now.")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "begin", refuse)
        assert world.engine.authenticate(text).last_used_at is None
    world.engine.authenticate(text)
    assert world.engine.authenticate(text).last_used_at == world.now
