"""The ledger: SQLAlchemy Core on SQLite and PostgreSQL."""

from __future__ import annotations

from jobengine.store.store import SqlStore

__all__ = ["SqlStore"]
