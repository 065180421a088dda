"""The import rules hold, and the check of them can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter over the tree in the folder."""
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--config", "setup.cfg"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_rules_hold() -> None:
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_rule_of_the_domain_that_reaches_for_the_ledger_is_found(tmp_path: Path) -> None:
    for room in ("jobengine",):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    rules = tmp_path / "jobengine" / "domain" / "retry.py"
    rules.write_text(rules.read_text() + "\nimport jobengine.store\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    assert "jobengine.domain.retry -> jobengine.store" in outcome.stdout
