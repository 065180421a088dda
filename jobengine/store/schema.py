"""The schema's revisions: bringing a database to the newest, and telling whether it is there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from jobengine.store.failures import unavailable

_FOLDER = Path(__file__).parent / "migrations"
# Any number that nobody else uses: processes that start together migrate one after the other.
_MIGRATION_LOCK = 0x6A6F_6265


def upgrade(connection: Connection) -> None:
    """Apply the revisions that are missing, in the transaction of the connection.

    A schema that a newer version of the program made is left as it is.
    """
    if connection.dialect.name == "postgresql":
        # A revision may rewrite or index all rows, and who comes second waits for who came first.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    if _state(connection) == "newer":
        return
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_complete(connection: Connection) -> bool:
    """Whether no revision is missing."""
    return _state(connection) in ("newest", "newer")


def require_newest(connection: Connection) -> None:
    """Raise EngineError(UNAVAILABLE) when revisions are missing.

    A newer schema passes: in a rolling upgrade old processes go on working on it.
    """
    state = _state(connection)
    if state == "none":
        raise unavailable("The ledger has no tables yet; it must be migrated first.")
    if state == "older":
        raise unavailable("The ledger's tables are older than the program; it must be migrated first.")


def _state(connection: Connection) -> str:
    current = MigrationContext.configure(connection).get_current_revision()
    known = _revisions()
    if current is None:
        return "none"
    if current == known[0]:
        return "newest"
    return "older" if current in known else "newer"


@lru_cache(maxsize=1)
def _revisions() -> tuple[str, ...]:
    """All revisions that this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions())
