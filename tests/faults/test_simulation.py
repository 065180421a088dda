"""Thousands of small disasters under a virtual clock: every job ends once, truly, and the books balance."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.simulation.__main__ import describe
from tests.faults.simulation.clockwork import START
from tests.faults.simulation.faults import OneBlow
from tests.faults.simulation.plants import PLANTS
from tests.faults.simulation.run import run_seed
from tests.faults.simulation.scene import Scene
from tests.faults.simulation.workers import WorkerProcess

pytestmark = pytest.mark.thorough

SEEDS = 2000
AT_ONCE = 50
SEEDS_TO_A_BUG = 200
ROOT = Path(__file__).parents[2]


@pytest.mark.acceptance
@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_goes_wrong_every_job_ends_once_with_its_true_result(first: int) -> None:
    failed = [outcome for outcome in map(run_seed, range(first, first + AT_ONCE)) if outcome.violations]
    assert not failed, "\n".join(map(describe, failed))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Callable[[], AbstractContextManager[None]]) -> None:
    with plant():
        assert any(run_seed(seed).violations for seed in range(SEEDS_TO_A_BUG))


def test_a_seed_is_the_same_run_step_by_step_in_every_process() -> None:
    traces = {replay_elsewhere(8, hash_seed) for hash_seed in ("1", "2")}
    outcome = run_seed(8)
    assert len(outcome.trace) > 100
    assert traces == {"\n".join(outcome.trace) + f"\ndigest {outcome.digest}\nseed 8 ended well\n"}


def test_other_seeds_are_other_runs() -> None:
    assert len({run_seed(seed).digest for seed in range(20)}) == 20


def test_a_worker_whose_machine_stands_still_says_nothing_meanwhile() -> None:
    scene = Scene(1, OneBlow())
    WorkerProcess(scene, "worker")
    scene.host("worker").still_until = START + 30.0
    scene.clockwork.run(START + 29.9)
    said_meanwhile = list(scene.clockwork.trace)
    scene.clockwork.run(START + 31.0)
    said = list(scene.clockwork.trace)
    scene.clockwork.stop()
    assert said_meanwhile == []
    assert any("says announced" in line for line in said)


def replay_elsewhere(seed: int, hash_seed: str) -> str:
    """What the command prints of a seed in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.faults.simulation", "--seed", str(seed)]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
