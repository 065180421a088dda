"""Jobs with what hangs on them: files, labels, statistics, and requests that were answered."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from jobengine.domain.states import JobState, TaskState
from jobengine.store import predicates
from jobengine.store.columns import METADATA, moment, number, one_of, partial, serial, small, word

jobs = Table(
    "jobs",
    METADATA,
    word("id"),
    word("owner_id"),
    word("name"),
    word("pipeline_id"),
    word("pipeline_name"),
    small("pipeline_version"),
    word("state"),
    *(number(state.value) for state in TaskState),
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
    # Not part of the record: what a search looks at, and the number by which the index of trigrams knows the job.
    word("search"),
    serial("row"),
    UniqueConstraint("id", name="uq_jobs_id"),
    one_of("jobs", "state", JobState),
    Index("ix_jobs_owner", "owner_id", "id"),
    Index("ix_jobs_state", "state", "id"),
    Index("ix_jobs_owner_state", "owner_id", "state", "id"),
    Index("ix_jobs_pipeline_name", "pipeline_name", "state", "id"),
    Index("ix_jobs_owner_pipeline_name", "owner_id", "pipeline_name", "state", "id"),
    Index("ix_jobs_pipeline", "pipeline_id", "id"),
    Index("ix_jobs_created", "created_at", "id"),
    Index("ix_jobs_owner_created", "owner_id", "created_at", "id"),
    Index("ix_jobs_started", text(predicates.STARTED_KEY), "id"),
    Index("ix_jobs_owner_started", "owner_id", text(predicates.STARTED_KEY), "id"),
    Index("ix_jobs_finished", text(predicates.FINISHED_KEY), "id"),
    Index("ix_jobs_owner_finished", "owner_id", text(predicates.FINISHED_KEY), "id"),
    Index("ix_jobs_name", "name", "id"),
    Index("ix_jobs_owner_name", "owner_id", "name", "id"),
    Index("ix_jobs_priority", "priority", "id"),
    Index("ix_jobs_owner_priority", "owner_id", "priority", "id"),
    partial("ix_jobs_batch", ("batch_id", "id"), "batch_id IS NOT NULL"),
    partial("ix_jobs_parent", ("parent_id", "id"), "parent_id IS NOT NULL"),
)

job_files = Table(
    "job_files",
    METADATA,
    word("job_id"),
    small("position"),
    word("file_id"),
    # Copied from the file: a list by hash is one range of one index, and outlives the file.
    word("sha256", nullable=True),
    PrimaryKeyConstraint("job_id", "position"),
    Index("ix_job_files_file", "file_id", "job_id"),
    Index("ix_job_files_sha256", "sha256", "job_id"),
)

job_labels = Table(
    "job_labels",
    METADATA,
    word("job_id"),
    word("name"),
    word("value"),
    PrimaryKeyConstraint("job_id", "name"),
    Index("ix_job_labels_value", "name", "value", "job_id"),
)

job_counts = Table(
    "job_counts",
    METADATA,
    word("owner_id"),
    word("pipeline_name"),
    word("state"),
    number("jobs"),
    PrimaryKeyConstraint("owner_id", "pipeline_name", "state"),
)

requests = Table(
    "requests",
    METADATA,
    word("owner_id"),
    word("idempotency_key"),
    word("body_digest"),
    word("answer"),
    moment("expires_at"),
    PrimaryKeyConstraint("owner_id", "idempotency_key"),
    Index("ix_requests_expiry", "expires_at"),
)
