"""A short run of the chaos on each ledger; ``make chaos`` makes long ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"])
def test_nothing_is_lost_stuck_or_done_twice_while_processes_are_killed(ledger: str) -> None:
    command = [sys.executable, "-m", "tests.faults.chaos", "--seconds", "25", "--seed", "7", "--ledger", ledger]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600)
    figures = json.loads(done.stdout)
    assert done.returncode == 0, figures
    assert figures["kills"] >= 3
    assert figures["jobs"] >= 10
