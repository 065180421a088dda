"""Jobs, and whose they are, in SampleDB's words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from api.dialects.argus.door import milliseconds, without_absent
from api.dialects.argus.wording import word_of_job
from api.parts import parts
from jobengine.domain.records import Job, Owner
from jobengine.queries import JobOrigin


def job_documents(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The documents of these jobs, in order."""
    origins = parts().queries.origins_of(jobs)
    return [_document(job, origins[job.id]) for job in jobs]


def job_document(job: Job) -> dict[str, Any]:
    """The document of one job."""
    return job_documents([job])[0]


def customer_number(owner: Owner) -> int:
    """The number that stands for an owner: customers have numbers there, and 48 bits pass through any client."""
    return int(hashlib.sha256(owner.id.encode()).hexdigest()[:12], 16)


def _document(job: Job, origin: JobOrigin) -> dict[str, Any]:
    owner, sample = origin.owner, origin.file
    return without_absent(
        {
            "id": job.id,
            "customer": {"id": customer_number(owner), "name": owner.name, "shortName": owner.name},
            "analysedSample": {"id": sample.sha256, "size": sample.size_bytes} if sample else None,
            "state": word_of_job(job, is_timed_out=origin.is_timed_out),
            "enqueuedTimestamp": milliseconds(job.created_at),
            "startTimestamp": milliseconds(job.started_at),
            "endTimestamp": milliseconds(job.finished_at),
        }
    )
