"""What a client's machine loads: help and the commands of a client wait for no library of the engine."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from jobengine.cli import commands
from jobengine.cli.lazy import LazyCommand

HEAVY = (
    *("celery", "kombu", "redis", "sqlalchemy", "alembic", "flask", "marshmallow", "supervisor"),
    *("jobengine.build", "jobengine.engine", "jobengine.store", "jobengine.transport", "jobengine.runtime"),
    *("api", "workers", "numpy", "skimage", "tifffile"),
)
PROGRAM = f"""
import sys
from jobengine.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules.keys() & set({HEAVY!r})), file=sys.stderr)
"""

JOB = "0" * 24


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command where nobody is at its URL; the heavy modules that it loaded are its last line of errors."""
    environment = {
        "JOBENGINE_API_KEY": "je_key",
        "JOBENGINE_URL": "http://127.0.0.1:1",
        "PYTHONPATH": ":".join(sys.path),
    }
    return subprocess.run([sys.executable, "-c", PROGRAM, *words], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["jobs", "--help"], ["jbos"]], ids=" ".join)
def test_help_loads_no_engine_and_no_steps(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == (2 if words == ["jbos"] else 0)
    assert done.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize(
    "words",
    [
        ["jobs"],
        ["show", JOB],
        ["cancel", JOB],
        ["results", JOB, "--out", "out"],
        ["submit", "nuclei"],
        ["keys", "create", "--owner", "lab", "--role", "viewer"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_of_a_client_loads_no_engine_and_no_steps(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 1
    *said, loaded = done.stderr.splitlines()
    assert "http://127.0.0.1:1 cannot be reached" in said[-1]
    assert loaded == ""


def test_a_command_that_runs_the_engine_is_seen_to_load_it() -> None:
    done = run("backup", "--help")
    assert {"jobengine.build", "sqlalchemy", "celery"} <= set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_the_group_says_of_each_command_what_the_command_says_of_itself(name: str) -> None:
    command = commands.commands[name]
    assert isinstance(command, LazyCommand)
    assert command.get_short_help_str(200) == command.load().get_short_help_str(200)
    assert command.load().name == name


def test_a_misspelled_command_is_told_what_it_may_be() -> None:
    done = CliRunner().invoke(commands, ["job"])
    assert done.exit_code == 2
    assert "No such command 'job'" in done.stderr
    assert "jobs" in done.stderr
