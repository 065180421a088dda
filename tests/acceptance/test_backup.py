"""A backup that is taken while jobs run is a data folder from which everything goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.system import NUCLEI, System, running_system
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance


def test_a_system_goes_on_from_a_backup_taken_while_it_ran(system: System, tmp_path: Path) -> None:
    image = str(NUCLEI / "c0c4a829c8d3.png")
    ended = json.loads(system.run("submit", "nuclei", image, "--wait", "--json").stdout)
    under_way = json.loads(system.run("submit", "nuclei", *map(str, sorted(NUCLEI.glob("*.png"))), "--json").stdout)
    copy = tmp_path / "copy"
    made = system.run("backup", str(copy), "--data", str(system.data))
    assert made.returncode == 0, made.stderr
    again = system.run("backup", str(copy), "--data", str(system.data))
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    system.process.terminate()
    assert system.process.wait(90) == 0
    with running_system(copy) as restored:
        shown = json.loads(restored.run("show", ended["id"], "--json").stdout)
        assert (shown["state"], len(shown["artifacts"])) == ("succeeded", len(ended["artifacts"]))
        fetched = restored.run("results", ended["id"], "--out", str(tmp_path / "out"))
        assert fetched.returncode == 0, fetched.stderr
        assert (tmp_path / "out" / "objects.csv").stat().st_size > 0
        wait_until(lambda: state_of(restored, under_way["id"]) == "succeeded", 120, "the job that was under way")


def state_of(system: System, job_id: str) -> str:
    """The job's state as the command shows it."""
    return str(json.loads(system.run("show", job_id, "--json").stdout)["state"])
