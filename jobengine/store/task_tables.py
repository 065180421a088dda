"""Tasks, and what tasks leave behind: attempts, results, artifacts and logs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from jobengine.domain.records import Executor
from jobengine.domain.states import FailureKind, TaskState
from jobengine.store import predicates
from jobengine.store.columns import METADATA, moment, number, one_of, partial, serial, small, word

tasks = Table(
    "tasks",
    METADATA,
    word("id", primary_key=True),
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
    one_of("tasks", "state", TaskState),
    one_of("tasks", "executor", Executor),
    one_of("tasks", "failure_kind", FailureKind, nullable=True),
    Index("ix_tasks_job", "job_id", "state", "id"),
    Index("ix_tasks_place", "job_id", "node", "file_id"),
    Index("ix_tasks_owner", "owner_id", "id"),
    partial("ix_tasks_file", ("file_id", "id"), "file_id IS NOT NULL"),
    # SQLite prefers this to the index above because of the second column.
    partial("ix_tasks_failed", ("owner_id", "state", "id"), predicates.FAILED),
    partial("ix_tasks_ready", ("queue", "priority", "owner_id", "not_before", "id"), predicates.READY),
    partial("ix_tasks_flying", ("delivery_id",), predicates.FLYING),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    METADATA,
    word("task_id"),
    small("number"),
    word("job_id"),
    word("outcome"),
    Column("accepted", Boolean, nullable=False),
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
    PrimaryKeyConstraint("task_id", "number"),
    one_of("attempts", "failure_kind", FailureKind, nullable=True),
    Index("ix_attempts_job", "job_id"),
    # At most one attempt ends a task.
    partial("ix_attempts_accepted", ("task_id",), "accepted", unique=True),
)

results = Table(
    "results",
    METADATA,
    word("id", primary_key=True),
    word("job_id"),
    word("task_id"),
    word("owner_id"),
    word("kind"),
    word("step"),
    word("file_id", nullable=True),
    word("data"),
    moment("created_at"),
    # One task, one result: a second one fails the transaction that brings it.
    UniqueConstraint("task_id", name="uq_results_task"),
    Index("ix_results_job", "job_id", "id"),
    Index("ix_results_owner", "owner_id", "id"),
    Index("ix_results_kind", "owner_id", "kind", "id"),
    Index("ix_results_step", "owner_id", "step", "id"),
    partial("ix_results_file", ("file_id", "id"), "file_id IS NOT NULL"),
)

artifacts = Table(
    "artifacts",
    METADATA,
    word("id", primary_key=True),
    word("job_id"),
    word("task_id"),
    word("result_id"),
    word("owner_id"),
    word("name"),
    word("media_type"),
    number("size_bytes"),
    word("sha256"),
    moment("created_at"),
    Index("ix_artifacts_job", "job_id", "id"),
    Index("ix_artifacts_result", "result_id", "id"),
    Index("ix_artifacts_sha256", "sha256"),
    Index("ix_artifacts_owner_sha256", "owner_id", "sha256", "size_bytes"),
)

task_logs = Table(
    "task_logs",
    METADATA,
    serial("id"),
    word("task_id"),
    small("attempt"),
    moment("at"),
    word("text"),
    Index("ix_task_logs_task", "task_id", "attempt", "id"),
)
