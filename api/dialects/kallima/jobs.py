"""Jobs with their results, every key of the page present with its type: what is not known is null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from operator import attrgetter
from typing import Any

from flask import Response, jsonify, request

from api.auth import AS_BEARER, authenticate
from api.dialects.dialect import bearer, iso
from api.dialects.kallima.kinds import Kind, spelled_uuid, typed
from api.dialects.kallima.wording import HUMANIZATION, STATUSES, TYPED_RESULTS
from api.dialects.long_lists import all_jobs, stretches, written_list
from api.parts import parts
from jobengine.domain.errors import EngineError, invalid, not_found
from jobengine.domain.filters import JobFilter, Page, ResultFilter
from jobengine.domain.ids import parse_id, to_uuid
from jobengine.domain.records import Job, Result, Task
from jobengine.domain.states import JobState

_VARIANT = "variant_id"


def list_jobs() -> Response:
    """All jobs as a bare list, newest first; with ``variant_id``, those that carry it as a label."""
    sees = authenticate(bearer(), sent_as=AS_BEARER).sees
    variant = request.args.get(_VARIANT)
    if variant is not None and spelled_uuid(variant) is None:
        raise invalid("This is no UUID.", _VARIANT)
    labels = [{_VARIANT: text} for text in _spellings(variant)] if variant else [{}]
    # As many lists as there are spellings, each with the newest first: together they are one such list.
    lists = [all_jobs(JobFilter(owner_id=sees, labels=each)) for each in labels]
    return written_list("[", _documents(merge(*lists, key=attrgetter("id"), reverse=True)), lambda count: "]")


def get_job(job_id: str) -> Response:
    """One job, with its results by their kind."""
    sees = authenticate(bearer(), sent_as=AS_BEARER).sees
    where = JobFilter(owner_id=sees, ids=(_identifier(job_id),))
    found = parts().queries.jobs.page(where, Page(limit=1))
    if not found:
        raise not_found("job", job_id)
    (job,) = found
    all_of_kind = Page(limit=None, descending=False)
    body: dict[str, Any] = {
        "job": _job(job, parts().queries.jobs.details([job])[job.id].failure),
        "results": [_row(job, row, HUMANIZATION) for row in _results(job, "humanization", all_of_kind)],
    }
    for key, (kind, kinds) in TYPED_RESULTS.items():
        newest = _results(job, kind, Page(limit=1))
        body[key] = _row(job, newest[0], kinds) if newest else None
    return jsonify(body)


def _identifier(text: str) -> str:
    """Our spelling; raises EngineError(NOT_FOUND) for a UUID that is none of ours, (INVALID) for what is no UUID."""
    spelled = spelled_uuid(text.lower())
    if spelled is None:
        raise invalid("This is no UUID.", "job_id")
    try:
        return parse_id(spelled)
    except EngineError:
        raise not_found("job", text) from None


def _spellings(variant: str) -> set[str]:
    """What a label may hold that is shown as this UUID."""
    uuid = spelled_uuid(variant) or variant
    try:
        plain = {parse_id(uuid)}
    except EngineError:
        plain = set()
    return {variant, uuid, uuid.upper()} | plain


def _documents(jobs: Iterator[Job]) -> Iterator[dict[str, Any]]:
    for stretch in stretches(jobs):
        details = parts().queries.jobs.details(stretch)
        for job in stretch:
            yield _job(job, details[job.id].failure)


def _job(job: Job, failure: Task | None) -> dict[str, Any]:
    return {
        "id": to_uuid(job.id),
        "variant_id": spelled_uuid(job.labels.get(_VARIANT)),
        "job_type": job.pipeline_name,
        "status": STATUSES[job.state],
        "error_message": failure.message if failure else None,
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at),
        "completed_at": iso(job.finished_at) if job.state is not JobState.CANCELED else None,
        "submitted_by": to_uuid(job.owner_id),
        "canceled_at": iso(job.canceled_at),
    }


def _results(job: Job, kind: str, page: Page) -> Sequence[Result]:
    return parts().queries.results.page(ResultFilter(owner_id=job.owner_id, job_id=job.id, kind=kind), page)


def _row(job: Job, result: Result, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    given = {_VARIANT: job.labels.get(_VARIANT), "antigen_id": job.labels.get("antigen_id"), **result.data}
    return {
        "id": to_uuid(result.id),
        "job_id": to_uuid(job.id),
        "created_at": iso(result.created_at),
        **{name: typed(given.get(name), kind) for name, kind in kinds.items()},
    }
