"""Owners, files and the catalog.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobengine.store.migrations.spelling import moment, number, small, word

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_owners()
    create_keys()
    create_batches()
    create_files()
    create_steps()
    create_pipelines()
    create_workers()


def downgrade() -> None:
    """Drop the tables with all that is in them."""
    for name in ("workers", "pipelines", "steps", "files", "batches", "keys", "owners"):
        op.drop_table(name)


def create_owners() -> None:
    op.create_table(
        "owners",
        word("id"),
        word("name"),
        moment("created_at"),
        number("queued_jobs", nullable=True),
        number("running_tasks", nullable=True),
        number("stored_bytes", nullable=True),
        moment("requests_per_second", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="uq_owners_name"),
    )


def create_keys() -> None:
    op.create_table(
        "keys",
        word("id"),
        word("owner_id"),
        word("name"),
        word("role"),
        word("secret_sha256"),
        moment("created_at"),
        moment("expires_at", nullable=True),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("role IN ('viewer', 'submitter', 'analyzer', 'admin')", name="ck_keys_role"),
    )
    op.create_index("ix_keys_owner", "keys", ["owner_id", "id"])


def create_batches() -> None:
    op.create_table(
        "batches",
        word("id"),
        word("owner_id"),
        word("name"),
        word("pipeline_name"),
        word("hardware"),
        moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_batches_owner", "batches", ["owner_id", "id"])


def create_files() -> None:
    op.create_table(
        "files",
        word("id"),
        word("owner_id"),
        word("name"),
        word("folder"),
        word("media_type"),
        number("size_bytes"),
        word("sha256"),
        moment("created_at"),
        word("search"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_files_folder", "files", ["owner_id", "folder", "id"])
    op.create_index("ix_files_owner", "files", ["owner_id", "id"])
    op.create_index("ix_files_owner_sha256", "files", ["owner_id", "sha256", "size_bytes"])
    op.create_index("ix_files_sha256", "files", ["sha256", "id"])


def create_steps() -> None:
    op.create_table(
        "steps",
        word("name"),
        word("version"),
        word("spec"),
        moment("first_announced_at"),
        moment("announced_at"),
        sa.PrimaryKeyConstraint("name", "version"),
    )


def create_pipelines() -> None:
    op.create_table(
        "pipelines",
        word("id"),
        word("owner_id", nullable=True),
        word("name"),
        small("version"),
        word("state"),
        word("title"),
        word("description"),
        word("nodes"),
        moment("created_at"),
        moment("published_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name="ck_pipelines_state"),
    )
    op.create_index(
        "ix_pipelines_name", "pipelines", [sa.text("coalesce(owner_id, '')"), "name", "version"], unique=True
    )


def create_workers() -> None:
    op.create_table(
        "workers",
        word("id"),
        word("hostname"),
        small("slots"),
        word("queues"),
        word("steps"),
        word("hardware"),
        moment("announced_at"),
        moment("last_seen_at"),
        sa.PrimaryKeyConstraint("id"),
    )
