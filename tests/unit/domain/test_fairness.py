"""Turns go to whoever has the fewest tasks in flight."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jobengine.domain.fairness import take_turns

OWNERS = st.lists(st.sampled_from("abcdefgh"), unique=True)
NUMBERS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 20))


def test_equal_owners_take_turns_in_their_order() -> None:
    assert take_turns(5, ["a", "b"], {}, {}, {}) == ["a", "b", "a", "b", "a"]


def test_the_start_says_who_is_first_among_equals() -> None:
    assert take_turns(3, ["a", "b", "c"], {}, {}, {}, start=1) == ["b", "c", "a"]


def test_who_is_less_busy_goes_first_until_all_are_equally_busy() -> None:
    assert take_turns(4, ["a", "b"], {"a": 2}, {}, {}) == ["b", "b", "a", "b"]


def test_a_cap_counts_what_is_in_flight() -> None:
    assert take_turns(9, ["a", "b"], {"a": 2}, {"a": 3, "b": 2}, {}) == ["b", "b", "a"]


def test_nobody_gets_more_turns_than_there_are_tasks() -> None:
    assert take_turns(9, ["a", "b"], {}, {}, {"a": 1, "b": 0}) == ["a"]


def test_without_owners_there_are_no_turns() -> None:
    assert take_turns(9, [], {}, {}, {}, start=3) == []


@given(st.integers(0, 60), OWNERS, NUMBERS, NUMBERS, NUMBERS, st.integers(0, 9))
def test_no_bound_is_passed_and_no_turn_is_wasted(
    limit: int, owners: list[str], busy: dict[str, int], caps: dict[str, int], at_most: dict[str, int], start: int
) -> None:
    turns = Counter(take_turns(limit, owners, busy, caps, at_most, start))
    room = {
        owner: max(0, min(caps.get(owner, 10**6) - busy.get(owner, 0), at_most.get(owner, 10**6))) for owner in owners
    }
    assert all(turns[owner] <= room[owner] for owner in owners)
    assert turns.total() == min(limit, sum(room.values()))


@given(st.integers(0, 60), OWNERS, NUMBERS)
def test_nobody_is_served_while_a_less_busy_one_waits(limit: int, owners: list[str], busy: dict[str, int]) -> None:
    load = Counter(busy)
    for owner in take_turns(limit, owners, busy, {}, {}):
        assert load[owner] == min(load[name] for name in owners)
        load[owner] += 1
