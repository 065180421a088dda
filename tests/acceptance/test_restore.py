"""A cluster on PostgreSQL is brought back by the commands of the documentation, from what was saved while jobs ran."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.lab import running_lab, started
from tests.contract.ledgers import ON_POSTGRESQL
from tests.faults.chaos.system import ROOT, ChaosSystem, running_chaos_system
from tests.postgresql_server import find_programs

pytestmark = pytest.mark.acceptance

_UNDER_WAY = "SELECT count(*) FROM tasks WHERE state IN ('enqueued', 'running')"


def documented_commands() -> list[str]:
    """What docs/operations.md has to be typed in: to save, and to restore."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Backup and restore\n")
    return re.findall(r"(?:^ {8}\S.*\n)+", section.partition("\n## ")[0], re.MULTILINE)


def run(commands: str, system: ChaosSystem, folder: Path) -> None:
    """Run commands as an operator of the system would."""
    environment = {
        **system.environment,
        "PATH": f"{find_programs()}{os.pathsep}{os.environ['PATH']}",
        "ARTIFACTS": str(system.folder / "data" / "artifacts"),
        "BACKUP": str(folder),
    }
    done = subprocess.run(["bash", "-eu", "-c", commands], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def without_url(artifact: dict[str, Any]) -> dict[str, Any]:
    """All that stays the same about it."""
    return {name: value for name, value in artifact.items() if name != "url"}


@pytest.mark.parametrize("ledger", ON_POSTGRESQL)
def test_a_cluster_is_restored_from_a_backup_taken_while_jobs_ran(tmp_path: Path, ledger: str) -> None:
    save, restore = documented_commands()
    backup, old, new = (tmp_path / name for name in ("backup", "old", "new"))
    old.mkdir()
    new.mkdir()
    with running_lab(old, ledger) as lab:
        file_ids = lab.upload()
        ended = lab.submit("chaos-long", file_ids[:2])
        lab.wait_for("succeeded", ended)
        under_way = [lab.submit("chaos-long", file_ids[:4]) for _ in range(2)]
        lab.wait_for("running", under_way[0])
        waiting = lab.submit("chaos-short", file_ids)
        run(save, lab.system, backup)
        shown, key = lab.job(ended), lab.key
    with running_chaos_system(new, ledger) as system:
        run(restore, system, backup)
        with psycopg.connect(system.environment["JOBENGINE_LEDGER_URL"]) as database:
            assert database.execute(_UNDER_WAY).fetchone() != (0,)
        with started(system, key) as lab:
            restored = lab.job(ended)
            # Addresses have a signature of their time in them.
            contents = [lab.http.get(one.pop("url")).content for one in restored["artifacts"]]
            assert restored == shown | {"artifacts": [without_url(one) for one in shown["artifacts"]]}
            assert contents == [b"kept", b"kept"]
            lab.wait_for("succeeded", *under_way, waiting)
            after = lab.submit("chaos-short", file_ids[:3])
            lab.wait_for("succeeded", after)
            check = [sys.executable, "-m", "jobengine.cli", "check", "--hashes"]
            checked = subprocess.run(check, env=system.environment, cwd=ROOT, capture_output=True, text=True)
            assert checked.returncode == 0, checked.stdout + checked.stderr
