"""A rolling upgrade: the next release migrates the ledger while this one works on it, takes over, and gives back."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from jobengine import __version__
from jobengine.store.databases import open_database
from tests.acceptance.replacing import Loaded, assert_each_task_ran_once, running_under_load
from tests.contract.ledgers import SHARED
from tests.faults.chaos.system import ROOT, Managed

pytestmark = pytest.mark.acceptance

REVISION = '''"""What a release may do to a schema that the one before uses: add, and give a default to what it adds."""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = {before!r}


def upgrade() -> None:
    op.add_column("tasks", sa.Column("next_release", sa.Text(), nullable=False, server_default="unknown"))
    op.add_column("jobs", sa.Column("next_release", sa.BigInteger()))
    op.add_column("results", sa.Column("next_release", sa.BigInteger(), server_default="0"))
    op.create_table("next_release", sa.Column("id", sa.Text(), primary_key=True), sa.Column("task_id", sa.Text()))
    op.create_index("ix_tasks_next_release", "tasks", ["next_release", "id"])
    op.execute("UPDATE jobs SET next_release = 1")
'''


def make_next_release(folder: Path) -> Path:
    """This release with one revision and another version."""
    for name in ("jobengine", "api", "workers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    migrations = folder / "jobengine" / "store" / "migrations"
    before = ScriptDirectory(str(migrations)).get_current_head()
    (migrations / "versions" / "r9999_next.py").write_text(REVISION.format(before=before))
    package = folder / "jobengine" / "__init__.py"
    package.write_text(package.read_text().replace(__version__, "next"))
    return folder


def replace(loaded: Loaded, managed: Managed, release: Path) -> tuple[float, float]:
    """Stop a process and start that of the other release in its place; from when till when that took."""
    loaded.submitter.wait_for_more()
    managed.release = release
    return loaded.restart(managed)


def schema_of(loaded: Loaded) -> str:
    """The revision that the ledger is at."""
    database = open_database(loaded.parts.outside.settings.effective_ledger_url)
    with database.connect() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    database.dispose()
    return str(revision)


def version_of(loaded: Loaded) -> str:
    """The release of the web server."""
    return str(httpx.get(f"{loaded.system.url}/version", timeout=60).json()["version"])


@pytest.mark.parametrize("ledger", SHARED)
def test_a_rolling_upgrade_and_the_way_back_lose_repeat_and_refuse_nothing(tmp_path: Path, ledger: str) -> None:
    next_release = make_next_release(tmp_path / "next")
    with running_under_load(tmp_path, ledger) as loaded:
        # The steps of the tests come from here, whatever the release.
        loaded.system.environment["PYTHONPATH"] = str(ROOT)
        loaded.submitter.wait_for_more(6)
        (web,), engine = loaded.system.named("web"), loaded.system.named("engine")[0]
        assert (schema_of(loaded), version_of(loaded)) != ("next", "next")
        replace(loaded, engine, next_release)
        assert schema_of(loaded) == "next"
        # Old web server, old workers, and on PostgreSQL an old engine, on the new schema.
        loaded.submitter.wait_for_more(4)
        away_from, away_until = replace(loaded, web, next_release)
        assert version_of(loaded) == "next"
        replace(loaded, loaded.system.named("worker")[0], next_release)
        # And back: the old release starts on the newer schema.
        replace(loaded, engine, ROOT)
        loaded.submitter.wait_for_more(4)
        loaded.submitter.stop()
        assert (schema_of(loaded), version_of(loaded)) == ("next", "next")
        assert [one for one in loaded.submitter.failures if not away_from <= one[0] <= away_until] == []
        assert_each_task_ran_once(loaded)
