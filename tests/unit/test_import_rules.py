"""The import rules hold, and the check of them can fail."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

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


def copy_tree(folder: Path) -> None:
    """Copy what the import linter looks at."""
    for room in ("jobengine", "api", "workers"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", folder)


def imports_outside_of_python(folder: Path) -> list[str]:
    """What the modules of a folder import, wherever in them, that is neither Python's own nor in the folder itself."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = ["." * node.level + (node.module or "")]
            else:
                continue
            ours = (f"jobengine.{folder.name}", ".")
            found += [
                f"{path.stem} -> {name}"
                for name in names
                if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(ours)
            ]
    return found


def test_the_domain_imports_the_standard_library_only() -> None:
    assert imports_outside_of_python(ROOT / "jobengine" / "domain") == []


@pytest.mark.parametrize(
    "line",
    ["import httpx", "import marshmallow.fields", "from httpx import get", "def f():\n    import jobengine.config"],
)
def test_a_foreign_import_in_the_domain_is_found(tmp_path: Path, line: str) -> None:
    folder = shutil.copytree(ROOT / "jobengine" / "domain", tmp_path / "domain")
    with (folder / "retry.py").open("a") as stream:
        stream.write(f"\n{line}\n")
    (found,) = imports_outside_of_python(folder)
    assert found.startswith("retry -> ")


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
        ("jobengine/cli/jobs.py", "jobengine.store"),
        ("jobengine/cli/jobs.py", "marshmallow"),
        ("jobengine/domain/ids.py", "jobengine.config"),
        ("jobengine/domain/ids.py", "marshmallow"),
        ("jobengine/domain/ids.py", "httpx"),
        ("jobengine/store/columns.py", "marshmallow"),
        ("jobengine/store/columns.py", "httpx"),
        ("jobengine/build.py", "celery"),
        ("jobengine/config.py", "redis"),
        ("jobengine/config.py", "sqlalchemy"),
        ("jobengine/loops/loop.py", "jobengine.build"),
        ("api/paging.py", "workers"),
        ("api/auth.py", "redis"),
        ("api/dialects/biodock/masks.py", "api.native.shapes"),
        ("api/native/tasks.py", "api.dialects.argus.wording"),
        ("api/dialects/kallima/jobs.py", "api.dialects.mcrit.jobs"),
        ("workers/image/tables.py", "jobengine.domain"),
        ("jobengine/runtime/outcomes.py", "flask"),
    ],
)
def test_an_import_against_the_rules_is_found(tmp_path: Path, module: str, forbidden: str) -> None:
    copy_tree(tmp_path)
    changed = tmp_path / module
    changed.write_text(changed.read_text() + f"\nimport {forbidden}\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {forbidden}" in outcome.stdout


def test_a_new_room_has_to_say_where_it_stands(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    (tmp_path / "jobengine" / "attic.py").touch()
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    assert "jobengine.attic" in outcome.stdout
