"""Jobs, and whose they are, in SampleDB's words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from api.dialects.argus.door import milliseconds, without_absent
from api.dialects.argus.wording import word_of_job
from api.dialects.long_lists import stretches
from api.parts import parts
from jobengine.domain.records import Job, Owner
from jobengine.queries.jobs import JobOrigin


def job_documents(jobs: Iterable[Job]) -> Iterator[dict[str, Any]]:
    """The documents of these jobs, in order, made while they are asked for."""
    for stretch in stretches(jobs):
        origins = parts().queries.jobs.origins(stretch)
        for job in stretch:
            yield _document(job, origins[job.id])


def job_document(job: Job) -> dict[str, Any]:
    """The document of one job."""
    return next(job_documents([job]))


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
