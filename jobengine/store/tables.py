"""The tables that stand beside jobs: files, the catalog and the owners. Here all tables of the ledger meet."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from jobengine.domain.records import PipelineState, Role
from jobengine.store.columns import METADATA, moment, number, one_of, small, tally, word
from jobengine.store.job_tables import job_counts, job_files, job_labels, jobs, requests
from jobengine.store.task_tables import artifacts, attempts, results, task_logs, tasks

__all__ = [
    "METADATA",
    "artifacts",
    "attempts",
    "batches",
    "files",
    "job_counts",
    "job_files",
    "job_labels",
    "jobs",
    "keys",
    "orphans",
    "owners",
    "pipelines",
    "requests",
    "results",
    "steps",
    "task_logs",
    "tasks",
    "workers",
]


orphans = Table(
    "orphans",
    METADATA,
    word("sha256"),
    # When the pruner first saw that no row names these bytes.
    moment("since"),
    PrimaryKeyConstraint("sha256"),
)

files = Table(
    "files",
    METADATA,
    word("id", primary_key=True),
    word("owner_id"),
    word("name"),
    word("folder"),
    word("media_type"),
    number("size_bytes"),
    word("sha256"),
    moment("created_at"),
    # Not part of the record; see search.py.
    word("search"),
    Index("ix_files_owner", "owner_id", "id"),
    Index("ix_files_folder", "owner_id", "folder", "id"),
    Index("ix_files_sha256", "sha256", "id"),
    Index("ix_files_owner_sha256", "owner_id", "sha256", "size_bytes"),
)

steps = Table(
    "steps",
    METADATA,
    word("name"),
    word("version"),
    word("spec"),
    moment("first_announced_at"),
    moment("announced_at"),
    PrimaryKeyConstraint("name", "version"),
)

pipelines = Table(
    "pipelines",
    METADATA,
    word("id", primary_key=True),
    word("owner_id", nullable=True),
    word("name"),
    small("version"),
    word("state"),
    word("title"),
    word("description"),
    word("nodes"),
    moment("created_at"),
    moment("published_at", nullable=True),
    one_of("pipelines", "state", PipelineState),
    Index("ix_pipelines_name", text("coalesce(owner_id, '')"), "name", "version", unique=True),
)

workers = Table(
    "workers",
    METADATA,
    word("id", primary_key=True),
    word("hostname"),
    small("slots"),
    word("queues"),
    word("steps"),
    word("hardware"),
    moment("announced_at"),
    moment("last_seen_at"),
)

owners = Table(
    "owners",
    METADATA,
    word("id", primary_key=True),
    word("name"),
    moment("created_at"),
    number("queued_jobs", nullable=True),
    number("running_tasks", nullable=True),
    number("stored_bytes", nullable=True),
    moment("requests_per_second", nullable=True),
    UniqueConstraint("name", name="uq_owners_name"),
)

keys = Table(
    "keys",
    METADATA,
    word("id", primary_key=True),
    word("owner_id"),
    word("name"),
    word("role"),
    word("secret_sha256"),
    moment("created_at"),
    moment("expires_at", nullable=True),
    moment("last_used_at", nullable=True),
    moment("revoked_at", nullable=True),
    one_of("keys", "role", Role),
    Index("ix_keys_owner", "owner_id", "id"),
)

batches = Table(
    "batches",
    METADATA,
    word("id", primary_key=True),
    word("owner_id"),
    word("name"),
    word("pipeline_name"),
    word("hardware"),
    moment("created_at"),
    tally("job_count"),
    Index("ix_batches_owner", "owner_id", "id"),
)
