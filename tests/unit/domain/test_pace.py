"""How much work is kept ahead, and how it is cut."""

from __future__ import annotations

from jobengine.domain.pace import DELIVERY_SECONDS, UNKNOWN_SECONDS, Pace


def test_an_unknown_step_is_sent_one_task_at_a_time() -> None:
    pace = Pace()
    assert pace.seconds("new") == UNKNOWN_SECONDS
    assert pace.delivery_size("new", most=100, tasks=1000, slots=2) == 1


def test_short_tasks_share_a_delivery_up_to_what_the_step_allows() -> None:
    pace = Pace()
    pace.learn("quick", 0.001)
    assert pace.delivery_size("quick", most=100, tasks=10_000, slots=2) == 100
    assert pace.delivery_size("quick", most=1000, tasks=10_000, slots=2) == int(DELIVERY_SECONDS / 0.001)
    assert pace.delivery_size("quick", most=1, tasks=10_000, slots=2) == 1


def test_every_slot_gets_something() -> None:
    pace = Pace()
    pace.learn("quick", 0.001)
    assert pace.delivery_size("quick", most=100, tasks=10, slots=4) == 3


def test_the_mean_follows_what_is_seen() -> None:
    pace = Pace()
    pace.learn("step", 1.0)
    for _ in range(50):
        pace.learn("step", 3.0)
    assert 2.9 < pace.seconds("step") <= 3.0
    assert 5.8 < pace.queued_seconds({"step": 2}) <= 6.0
