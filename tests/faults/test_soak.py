"""The judge of the soak, which must not be content with what it does not see."""

from __future__ import annotations

import pytest

from tests.faults.chaos.soak import judge
from tests.faults.chaos.work import NOOP, WARM_UP, count_ends, plan_jobs

MB = 1024**2
ASKED = {"succeeded": 990, "failed": 10}


def samples(web: list[int], redis: list[int]) -> list[dict[str, int]]:
    """Sizes in MB; a web server of 0 is not there."""
    both = zip(web, redis, strict=True)
    return [{"redis": r * MB} | ({"web": w * MB} if w else {}) for w, r in both]


def test_a_system_that_keeps_its_size_is_flat() -> None:
    figures = judge(samples([100] * 20, [3, 4] * 10), [], ASKED, ASKED)
    assert (figures["is_flat"], figures["ended_as_asked"]) == (True, True)


@pytest.mark.parametrize(
    ("web", "redis", "replaced", "blamed"),
    [
        (list(range(100, 140, 2)), [3] * 20, [], {"grown": ["web"]}),
        ([100] * 20, list(range(3, 23)), [], {"grown": ["redis"]}),
        ([100] * 10 + [0] + [100] * 9, [3] * 20, [], {"missing": ["web"]}),
        ([100] * 20, [3] * 20, ["web"], {"replaced": ["web"]}),
    ],
)
def test_growth_a_gap_or_another_process_is_not_flat(
    web: list[int], redis: list[int], replaced: list[str], blamed: dict[str, list[str]]
) -> None:
    figures = judge(samples(web, redis), replaced, ASKED, ASKED)
    assert not figures["is_flat"]
    assert {name: figures[name] for name in blamed} == blamed


def test_a_short_run_is_judged_from_its_first_sample_to_its_last() -> None:
    assert judge(samples([100, 105], [3, 3]), [], ASKED, ASKED)["is_flat"]
    assert judge(samples([100, 115], [3, 3]), [], ASKED, ASKED)["grown"] == ["web"]


@pytest.mark.parametrize(
    "states",
    [
        {"succeeded": 990, "failed": 9},
        {"succeeded": 991, "failed": 9},
        {"succeeded": 990, "failed": 9, "canceled": 1},
        {"succeeded": 1000},
        {},
    ],
)
def test_a_task_that_ended_otherwise_than_asked_or_is_not_there_is_blamed(states: dict[str, int]) -> None:
    assert not judge(samples([100] * 20, [3] * 20), [], states, ASKED)["ended_as_asked"]


def test_one_job_in_ten_is_of_another_kind_and_each_kind_has_its_turn() -> None:
    kinds = list(plan_jobs(27_300))
    assert [number for number, kind in enumerate(kinds) if kind is not NOOP] == [0, 10, 20]
    assert {kind.pipeline for kind in kinds} == {"noop", "sum", "chaos-flaky", "chaos-rejecting"}
    assert sum(count_ends(kinds).values()) >= 27_300
    assert count_ends(kinds[:1]) == {"succeeded": 100, "failed": 1}


def test_all_kinds_are_warm_before_memory_is_watched() -> None:
    assert {kind.pipeline for kind in plan_jobs(100_000)} == {kind.pipeline for kind in WARM_UP}
