"""Jobs that work on the results of another: one of a kind, however often it is asked for."""

from __future__ import annotations

from jobengine.domain.errors import not_found
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Job
from jobengine.domain.states import JobState
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.requests import JobRequest
from jobengine.verbs.submission import write_jobs

_ANY_USE = tuple(state for state in JobState if state not in (JobState.FAILED, JobState.CANCELED))


def submit_child(outside: Outside, plans: Plans, request: JobRequest) -> Job:
    """The parent's job by this pipeline, or a new one where there is none, or none that did not go wrong.

    ``request.pipeline`` is a name. The parent is locked: of two at a time the second finds the job of the first.
    """
    parent_id = request.parent_id or ""
    with outside.store.begin() as ledger:
        parent = ledger.jobs.fetch([parent_id], lock=True).get(parent_id)
        if parent is None or parent.owner_id != request.owner_id:
            raise not_found("job", parent_id)
        return _find(ledger, request) or write_jobs(outside, plans, ledger, [request]).jobs[0]


def _find(ledger: Ledger, request: JobRequest) -> Job | None:
    where = JobFilter(
        owner_id=request.owner_id, parent_id=request.parent_id, pipeline_name=request.pipeline, states=_ANY_USE
    )
    return next(iter(ledger.jobs.page(where, Page(limit=1))), None)
