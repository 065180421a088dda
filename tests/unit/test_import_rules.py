"""The import rules hold, and the check of them can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("jobengine/domain/retry.py", "jobengine.store"),
        ("jobengine/verbs/movement.py", "sqlalchemy"),
        ("jobengine/engine.py", "jobengine.transport"),
        ("jobengine/cli/jobs.py", "celery"),
        ("api/paging.py", "workers"),
        ("api/auth.py", "redis"),
        ("workers/image/tables.py", "jobengine.domain"),
        ("jobengine/runtime/outcomes.py", "flask"),
    ],
)
def test_an_import_against_the_rules_is_found(tmp_path: Path, module: str, forbidden: str) -> None:
    for room in ("jobengine", "api", "workers"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    changed = tmp_path / module
    changed.write_text(changed.read_text() + f"\nimport {forbidden}\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {forbidden}" in outcome.stdout
