"""Work on a thread of its own must not die in silence."""

from __future__ import annotations

import threading

import pytest

from tests.faults.chaos.background import Background


def test_it_works_until_it_is_told_to_stop() -> None:
    rounds = 0
    enough = threading.Event()

    def work() -> None:
        nonlocal rounds
        while not background.pause(0.001):
            rounds += 1
            if rounds == 3:
                enough.set()

    background = Background(work)
    background.start()
    assert enough.wait(10)
    background.stop()
    before = rounds
    assert before >= 3
    background.stop()
    assert rounds == before


def test_a_pause_ends_when_it_is_told_to_stop() -> None:
    answers: list[bool] = []
    background = Background(lambda: answers.append(background.pause(3600)))
    background.start()
    background.stop()
    assert answers == [True]


def test_what_broke_the_work_is_raised_on_stop() -> None:
    def work() -> None:
        raise ValueError("it is broken")

    background = Background(work)
    background.start()
    with pytest.raises(ValueError, match="it is broken"):
        background.stop()


def test_what_never_began_is_stopped_at_once() -> None:
    Background(lambda: None).stop()
