"""The index of trigrams in names and IDs of jobs.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_SQLITE = (
    # The rows are those of "jobs": the index keeps no text of its own, only which trigram is in which row.
    """
    CREATE VIRTUAL TABLE job_search USING fts5(
        search, content = 'jobs', content_rowid = 'row', tokenize = 'trigram', detail = none, columnsize = 0
    )
    """,
    "INSERT INTO job_search (job_search) VALUES ('rebuild')",
    """
    CREATE TRIGGER job_search_insert AFTER INSERT ON jobs BEGIN
        INSERT INTO job_search (rowid, search) VALUES (new.row, new.search);
    END
    """,
    """
    CREATE TRIGGER job_search_delete AFTER DELETE ON jobs BEGIN
        INSERT INTO job_search (job_search, rowid, search) VALUES ('delete', old.row, old.search);
    END
    """,
    """
    CREATE TRIGGER job_search_update AFTER UPDATE OF search ON jobs WHEN new.search IS NOT old.search BEGIN
        INSERT INTO job_search (job_search, rowid, search) VALUES ('delete', old.row, old.search);
        INSERT INTO job_search (rowid, search) VALUES (new.row, new.search);
    END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION jobengine_grams(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT substr(given, place, 3) COLLATE "C"), '{}')
        FROM generate_series(1, length(given) - 2) AS place
    $$
    """,
    "CREATE INDEX ix_job_search ON jobs USING gin (jobengine_grams(search))",
)


def upgrade() -> None:
    """Create the index."""
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Drop the index."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_job_search")
        op.execute("DROP FUNCTION jobengine_grams")
        return
    for name in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER job_search_{name}")
    op.execute("DROP TABLE job_search")
