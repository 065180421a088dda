"""The judge of the soak, which must not be content with what it does not see."""

from __future__ import annotations

import pytest

from tests.faults.chaos.soak import judge

MB = 1024**2
SUCCEEDED = {"succeeded": 1000}


def samples(web: list[int], redis: list[int]) -> list[dict[str, int]]:
    """Sizes in MB; a web server of 0 is not there."""
    both = zip(web, redis, strict=True)
    return [{"redis": r * MB} | ({"web": w * MB} if w else {}) for w, r in both]


def test_a_system_that_keeps_its_size_is_flat() -> None:
    figures = judge(samples([100] * 20, [3, 4] * 10), [], SUCCEEDED, 1000)
    assert (figures["is_flat"], figures["all_succeeded"]) == (True, True)


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
    figures = judge(samples(web, redis), replaced, SUCCEEDED, 1000)
    assert not figures["is_flat"]
    assert {name: figures[name] for name in blamed} == blamed


@pytest.mark.parametrize("states", [{"succeeded": 999}, {"succeeded": 999, "failed": 1}, {}])
def test_a_task_that_failed_or_is_not_there_is_not_success(states: dict[str, int]) -> None:
    assert not judge(samples([100] * 20, [3] * 20), [], states, 1000)["all_succeeded"]
