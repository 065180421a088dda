"""Tasks, and what they leave behind.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobengine.store.migrations.spelling import moment, number, small, word

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    create_tasks()
    create_attempts()
    create_results()
    create_artifacts()
    create_task_logs()
    if op.get_bind().dialect.name == "postgresql":
        # Every task is written several times within seconds: what is dead in the indexes must go soon, or whoever
        # looks for the first ready task wades through it.
        op.execute(
            "ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)"
        )


def downgrade() -> None:
    """Drop the tables with all that is in them."""
    for name in ("task_logs", "artifacts", "results", "attempts", "tasks"):
        op.drop_table(name)


def create_tasks() -> None:
    op.create_table(
        "tasks",
        word("id"),
        word("job_id"),
        word("owner_id"),
        word("node"),
        word("step"),
        word("file_id", nullable=True),
        word("state"),
        small("priority"),
        moment("created_at"),
        word("executor"),
        word("queue"),
        small("attempt"),
        number("predecessors"),
        number("waiting_on"),
        number("unmet"),
        small("failures"),
        small("losses"),
        small("progress"),
        word("message"),
        moment("not_before"),
        word("delivery_id", nullable=True),
        word("worker", nullable=True),
        moment("lease_expires_at", nullable=True),
        moment("enqueued_at", nullable=True),
        moment("started_at", nullable=True),
        moment("finished_at", nullable=True),
        word("failure_kind", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("executor IN ('worker', 'external')", name="ck_tasks_executor"),
        sa.CheckConstraint(
            "failure_kind IS NULL OR failure_kind IN ('step', 'crash', 'timeout', 'memory', 'lost', 'system')",
            name="ck_tasks_failure_kind",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'enqueued', 'running', 'succeeded', 'failed', 'canceled')",
            name="ck_tasks_state",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_tasks_failed",
        "tasks",
        ["owner_id", "state", "id"],
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_tasks_file",
        "tasks",
        ["file_id", "id"],
        sqlite_where=sa.text("file_id IS NOT NULL"),
        postgresql_where=sa.text("file_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_flying",
        "tasks",
        ["delivery_id"],
        sqlite_where=sa.text("state IN ('enqueued', 'running') AND executor = 'worker'"),
        postgresql_where=sa.text("state IN ('enqueued', 'running') AND executor = 'worker'"),
    )
    op.create_index("ix_tasks_job", "tasks", ["job_id", "state", "id"])
    op.create_index("ix_tasks_owner", "tasks", ["owner_id", "id"])
    op.create_index("ix_tasks_place", "tasks", ["job_id", "node", "file_id"])
    op.create_index(
        "ix_tasks_ready",
        "tasks",
        ["queue", "priority", "owner_id", "not_before", "id"],
        sqlite_where=sa.text("state = 'ready' AND executor = 'worker'"),
        postgresql_where=sa.text("state = 'ready' AND executor = 'worker'"),
    )


def create_attempts() -> None:
    op.create_table(
        "attempts",
        word("task_id"),
        small("number"),
        word("job_id"),
        word("outcome"),
        sa.Column("accepted", sa.Boolean, nullable=False),
        word("delivery_id", nullable=True),
        word("worker", nullable=True),
        moment("enqueued_at", nullable=True),
        moment("started_at", nullable=True),
        moment("finished_at"),
        word("failure_kind", nullable=True),
        word("message"),
        word("traceback"),
        moment("cpu_seconds", nullable=True),
        number("peak_memory_bytes", nullable=True),
        sa.PrimaryKeyConstraint("task_id", "number"),
        sa.CheckConstraint(
            "failure_kind IS NULL OR failure_kind IN ('step', 'crash', 'timeout', 'memory', 'lost', 'system')",
            name="ck_attempts_failure_kind",
        ),
    )
    op.create_index(
        "ix_attempts_accepted",
        "attempts",
        ["task_id"],
        unique=True,
        sqlite_where=sa.text("accepted"),
        postgresql_where=sa.text("accepted"),
    )
    op.create_index("ix_attempts_job", "attempts", ["job_id"])


def create_results() -> None:
    op.create_table(
        "results",
        word("id"),
        word("job_id"),
        word("task_id"),
        word("owner_id"),
        word("kind"),
        word("step"),
        word("file_id", nullable=True),
        word("data"),
        moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", name="uq_results_task"),
    )
    op.create_index(
        "ix_results_file",
        "results",
        ["file_id", "id"],
        sqlite_where=sa.text("file_id IS NOT NULL"),
        postgresql_where=sa.text("file_id IS NOT NULL"),
    )
    op.create_index("ix_results_job", "results", ["job_id", "id"])
    op.create_index("ix_results_kind", "results", ["owner_id", "kind", "id"])
    op.create_index("ix_results_owner", "results", ["owner_id", "id"])
    op.create_index("ix_results_step", "results", ["owner_id", "step", "id"])


def create_artifacts() -> None:
    op.create_table(
        "artifacts",
        word("id"),
        word("job_id"),
        word("task_id"),
        word("result_id"),
        word("owner_id"),
        word("name"),
        word("media_type"),
        number("size_bytes"),
        word("sha256"),
        moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_artifacts_job", "artifacts", ["job_id", "id"])
    op.create_index("ix_artifacts_owner_sha256", "artifacts", ["owner_id", "sha256", "size_bytes"])
    op.create_index("ix_artifacts_result", "artifacts", ["result_id", "id"])
    op.create_index("ix_artifacts_sha256", "artifacts", ["sha256"])


def create_task_logs() -> None:
    op.create_table(
        "task_logs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        word("task_id"),
        small("attempt"),
        moment("at"),
        word("text"),
    )
    op.create_index("ix_task_logs_task", "task_logs", ["task_id", "attempt", "id"])
