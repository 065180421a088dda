"""Each call to the outside fails once, or is the last one of its process, and every job ends all the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.faults.simulation import plants
from tests.faults.simulation.clients import Plan
from tests.faults.simulation.faults import Blow, OneBlow
from tests.faults.simulation.sweep import PLANS, is_done, is_done_again_while_its_worker_is_cut_off, play, sweep

every_plan = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)


@pytest.mark.acceptance
@pytest.mark.parametrize("blow", Blow)
@every_plan
def test_whichever_call_the_blow_falls_on_every_job_ends_once_with_its_true_result(plan: Plan, blow: Blow) -> None:
    for one_blow, outcome in sweep(plan, blow):
        what = one_blow.calls[one_blow.number - 1]
        assert any(f"BLOW {what}: {blow.value}" in line for line in outcome.trace), "the blow fell on nothing"
        assert not outcome.violations, f"call {one_blow.number}, {what}:\n" + "\n".join(outcome.trace)


@every_plan
def test_without_a_blow_nothing_goes_wrong_and_each_run_is_the_same(plan: Plan) -> None:
    rehearsals = [OneBlow(), OneBlow()]
    outcomes = [play(plan, rehearsal) for rehearsal in rehearsals]
    assert outcomes[0] == outcomes[1]
    assert rehearsals[0].calls == rehearsals[1].calls
    assert not outcomes[0].violations
    assert not any("refused" in line or "dies" in line or "lost" in line for line in outcomes[0].trace)


def test_the_calls_are_those_to_ledger_transport_and_artifact_store() -> None:
    rehearsal = OneBlow()
    play(is_done, rehearsal)
    assert {"write", "statement", "commit", "send", "receive", "acknowledge", "put"} <= set(rehearsal.calls)


def test_an_engine_that_dies_between_commit_and_send_sends_again_under_a_new_attempt() -> None:
    rehearsal = OneBlow()
    play(is_done, rehearsal)
    commit = max(n for n, what in enumerate(rehearsal.calls[: rehearsal.calls.index("send")], 1) if what == "commit")
    outcome = play(is_done, OneBlow(Blow.CRASH, commit))
    assert "BLOW commit: crash" in "\n".join(outcome.trace)
    assert not outcome.violations
    assert outcome.attempts == outcome.tasks + 1


@pytest.mark.parametrize(
    "plant",
    [plants.moves_without_the_guard_of_the_state, plants.rescues_without_a_new_attempt],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_is_found(plant: Callable[[], AbstractContextManager[None]]) -> None:
    with plant():
        assert not play(is_done, OneBlow()).violations, "it takes no blow to find it"
        assert any(outcome.violations for _, outcome in sweep(is_done, Blow.CRASH))


def test_a_move_without_the_guard_of_the_attempt_is_found_where_a_late_end_meets_the_next_attempt() -> None:
    with plants.moves_without_the_guard_of_the_attempt():
        found = play(is_done_again_while_its_worker_is_cut_off, OneBlow()).violations
    assert any("attempt 2" in words and "was accepted with what another made" in words for words in found)
