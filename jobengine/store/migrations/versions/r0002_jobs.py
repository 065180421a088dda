"""Jobs with what hangs on them.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobengine.store.migrations.spelling import moment, number, small, word

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    create_jobs()
    create_job_files()
    create_job_labels()
    create_job_counts()
    create_requests()


def downgrade() -> None:
    """Drop the tables with all that is in them."""
    for name in ("requests", "job_counts", "job_labels", "job_files", "jobs"):
        op.drop_table(name)


def create_jobs() -> None:
    op.create_table(
        "jobs",
        word("id"),
        word("owner_id"),
        word("name"),
        word("pipeline_id"),
        word("pipeline_name"),
        small("pipeline_version"),
        word("state"),
        number("waiting"),
        number("ready"),
        number("enqueued"),
        number("running"),
        number("succeeded"),
        number("failed"),
        number("canceled"),
        number("progress"),
        small("priority"),
        moment("created_at"),
        word("parameters"),
        word("labels"),
        number("tolerated_failures"),
        word("parent_id", nullable=True),
        word("retry_of", nullable=True),
        word("batch_id", nullable=True),
        moment("started_at", nullable=True),
        moment("finished_at", nullable=True),
        moment("canceled_at", nullable=True),
        word("search"),
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.CheckConstraint("state IN ('pending', 'running', 'succeeded', 'failed', 'canceled')", name="ck_jobs_state"),
    )
    op.create_index(
        "ix_jobs_batch",
        "jobs",
        ["batch_id", "id"],
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index("ix_jobs_created", "jobs", ["created_at", "id"])
    op.create_index("ix_jobs_finished", "jobs", [sa.text("coalesce(finished_at, -1.0)"), "id"])
    op.create_index("ix_jobs_name", "jobs", ["name", "id"])
    op.create_index("ix_jobs_owner", "jobs", ["owner_id", "id"])
    op.create_index("ix_jobs_owner_created", "jobs", ["owner_id", "created_at", "id"])
    op.create_index("ix_jobs_owner_finished", "jobs", ["owner_id", sa.text("coalesce(finished_at, -1.0)"), "id"])
    op.create_index("ix_jobs_owner_name", "jobs", ["owner_id", "name", "id"])
    op.create_index("ix_jobs_owner_pipeline_name", "jobs", ["owner_id", "pipeline_name", "state", "id"])
    op.create_index("ix_jobs_owner_priority", "jobs", ["owner_id", "priority", "id"])
    op.create_index("ix_jobs_owner_started", "jobs", ["owner_id", sa.text("coalesce(started_at, -1.0)"), "id"])
    op.create_index("ix_jobs_owner_state", "jobs", ["owner_id", "state", "id"])
    op.create_index(
        "ix_jobs_parent",
        "jobs",
        ["parent_id", "id"],
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index("ix_jobs_pipeline", "jobs", ["pipeline_id", "id"])
    op.create_index("ix_jobs_pipeline_name", "jobs", ["pipeline_name", "state", "id"])
    op.create_index("ix_jobs_priority", "jobs", ["priority", "id"])
    op.create_index("ix_jobs_started", "jobs", [sa.text("coalesce(started_at, -1.0)"), "id"])
    op.create_index("ix_jobs_state", "jobs", ["state", "id"])


def create_job_files() -> None:
    op.create_table(
        "job_files",
        word("job_id"),
        small("position"),
        word("file_id"),
        word("sha256", nullable=True),
        sa.PrimaryKeyConstraint("job_id", "position"),
    )
    op.create_index("ix_job_files_file", "job_files", ["file_id", "job_id"])
    op.create_index("ix_job_files_sha256", "job_files", ["sha256", "job_id"])


def create_job_labels() -> None:
    op.create_table(
        "job_labels",
        word("job_id"),
        word("name"),
        word("value"),
        sa.PrimaryKeyConstraint("job_id", "name"),
    )
    op.create_index("ix_job_labels_value", "job_labels", ["name", "value", "job_id"])


def create_job_counts() -> None:
    op.create_table(
        "job_counts",
        word("owner_id"),
        word("pipeline_name"),
        word("state"),
        number("jobs"),
        sa.PrimaryKeyConstraint("owner_id", "pipeline_name", "state"),
    )


def create_requests() -> None:
    op.create_table(
        "requests",
        word("owner_id"),
        word("idempotency_key"),
        word("body_digest"),
        word("answer"),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("owner_id", "idempotency_key"),
    )
    op.create_index("ix_requests_expiry", "requests", ["expires_at"])
