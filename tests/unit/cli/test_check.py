"""The command says what does not agree, and leaves with 1 when something does not."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobengine.build import build
from jobengine.config import read_settings
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    yield server
    server.kill()


def check(data: Path, redis_url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One run on a data folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JOBENGINE_")}
    return subprocess.run(
        [sys.executable, "-m", "jobengine.cli", "check", "--data", str(data), *words],
        env={**kept, "JOBENGINE_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def make_ledger(data: Path) -> None:
    """An empty ledger in a data folder."""
    build(read_settings({"JOBENGINE_DATA_DIR": str(data)})).outside.store.close()


def test_a_system_that_is_well_is_said_to_be(tmp_path: Path, redis: RedisServer) -> None:
    make_ledger(tmp_path)
    done = check(tmp_path, redis.url, "--hashes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Everything agrees")


def test_differences_are_printed_for_people_and_for_programs(tmp_path: Path, redis: RedisServer) -> None:
    make_ledger(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("INSERT INTO job_counts VALUES ('lab', 'cells', 'running', 3)")
    done = check(tmp_path, redis.url)
    assert done.returncode == 1
    assert "lab cells running: expected 0 jobs, found 3 jobs" in done.stdout
    assert done.stdout.endswith("1 difference.\n")
    (found,) = json.loads(check(tmp_path, redis.url, "--json").stdout)
    assert found == {
        "invariant": "statistics",
        "subject_id": "lab cells running",
        "expected": "0 jobs",
        "found": "3 jobs",
    }


def test_a_redis_that_does_not_answer_is_a_difference(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    done = check(tmp_path, "redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "redis: expected an answer" in done.stdout


def test_a_folder_without_a_ledger_is_named(tmp_path: Path) -> None:
    done = check(tmp_path, "redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert list(tmp_path.iterdir()) == []
