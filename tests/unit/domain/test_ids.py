"""Identity: order, both spellings, and all that is not an ID."""

from __future__ import annotations

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.ids import IdSource, from_uuid, is_id, parse_id, to_uuid

IDS = st.integers(0, 2**96 - 1).map(lambda bits: f"{bits:024x}")


def test_ids_rise_also_within_a_millisecond_and_when_the_clock_falls() -> None:
    times = iter([5.0, 5.0, 5.001, 4.0, 4.0, 6.0])
    source = IdSource(lambda: next(times), lambda bits: (1 << bits) - 1)
    made = [source.new() for _ in range(6)]
    assert made == sorted(set(made))
    assert all(is_id(identifier) for identifier in made)


def test_ids_pass_by_one_that_a_clock_ahead_has_made() -> None:
    source, other = (
        IdSource(lambda now=now: now, random.Random(seed).getrandbits) for seed, now in ((1, 5.0), (2, 9.0))
    )
    ahead = other.new()
    source.pass_by(ahead)
    made = [source.new() for _ in range(100)]
    assert ahead < made[0]
    assert not {other.new() for _ in range(100)} & set(made)
    source.pass_by("0" * 24)
    assert source.new() > made[-1]


@given(IDS)
def test_the_uuid_spelling_is_reversible_and_of_version_eight(identifier: str) -> None:
    spelled = to_uuid(identifier)
    assert from_uuid(spelled) == identifier
    assert parse_id(spelled) == parse_id(spelled.upper()) == parse_id(identifier.upper()) == identifier
    assert uuid.UUID(spelled).version == 8


@given(IDS, IDS)
def test_both_spellings_have_the_same_order(one: str, other: str) -> None:
    assert (one < other) == (to_uuid(one) < to_uuid(other))


@given(st.uuids(version=4))
def test_a_uuid_of_somebody_else_is_refused(foreign: uuid.UUID) -> None:
    with pytest.raises(EngineError) as caught:
        parse_id(str(foreign))
    assert caught.value.code is ErrorCode.INVALID


GOOD = "0123456789abcdef01234567"


@pytest.mark.parametrize(
    "text", ["", GOOD[:-1], GOOD + "0", GOOD + "\n", " " + GOOD, "g" * 24, "٣" * 24, "-" * 36, None, 7, [GOOD]]
)
def test_what_is_not_an_id_is_refused_with_its_field(text: object) -> None:
    with pytest.raises(EngineError) as caught:
        parse_id(text, "parent")
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, "parent")
