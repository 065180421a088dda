"""The ledgers under test: one suite runs on each.

Where there is no PostgreSQL at all, its parameter is left out; the ``test`` extra brings one.
"""

from __future__ import annotations

import pytest

from tests.postgresql_server import find_programs

SQLITE_FILE, SQLITE_MEMORY, POSTGRESQL = "sqlite-file", "sqlite-memory", "postgresql"
ON_POSTGRESQL = [pytest.param(POSTGRESQL, marks=pytest.mark.thorough)] if find_programs() else []
SHARED = [SQLITE_FILE, *ON_POSTGRESQL]
"""Ledgers that several connections use at once."""
LEDGERS = [*SHARED, pytest.param(SQLITE_MEMORY, marks=pytest.mark.thorough)]

on_every_ledger = pytest.mark.parametrize("ledger_url", LEDGERS, indirect=True)
on_shared_ledgers = pytest.mark.parametrize("ledger_url", SHARED, indirect=True)
on_every_empty_database = pytest.mark.parametrize("empty_url", LEDGERS, indirect=True)
on_shared_empty_databases = pytest.mark.parametrize("empty_url", SHARED, indirect=True)
