"""Jobs: get, list, search, state, abort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from flask import Response, request

from api.auth import ANALYZE, SUBMIT, Caller
from api.dialects.argus.criteria import CRITERIA, JobOrder, number_of, read_order, read_search, read_states
from api.dialects.argus.documents import job_document, job_documents
from api.dialects.argus.door import PREFIX, blueprint, caller, listed, read_body, stash, stretch
from api.dialects.argus.wording import JOB_WORDS, states_of
from api.dialects.dialect import text_of, texts_of
from api.dialects.long_lists import all_jobs
from api.parts import parts
from jobengine.domain.errors import conflict, invalid
from jobengine.domain.filters import JobFilter, Page, TaskFilter
from jobengine.domain.pipeline import EXTERNAL_STEP
from jobengine.domain.records import Job, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.requests import TaskReport

_WORKERS = ANALYZE | SUBMIT


@blueprint.get(f"{PREFIX}/job")
def list_jobs() -> Response:
    """The jobs, the last enqueued first."""
    who = caller(reads=("limit", "offset"), several=("sortBy", "state"))
    limit, offset = stretch()
    states, order = read_states(request.args.getlist("state")), read_order(request.args.getlist("sortBy"))
    return _list(JobFilter(owner_id=who.sees), states, order, Page(limit, offset=offset))


@blueprint.post(f"{PREFIX}/job/search")
def search_jobs() -> Response:
    """The jobs that meet all criteria, the last enqueued first."""
    who = caller()
    body = read_body(CRITERIA)
    page = Page(number_of(body, "limit", 25), offset=number_of(body, "offset", 0))
    states, order = read_states(texts_of(body, "state")), read_order(texts_of(body, "sortBy"))
    return _list(read_search(who, body), states, order, page)


@blueprint.get(f"{PREFIX}/job/<string:job_id>")
def get_job(job_id: str) -> Response:
    """One job."""
    return stash(job_document(parts().queries.jobs.get(caller().sees, job_id)))


@blueprint.put(f"{PREFIX}/job/<string:job_id>")
def update_job_state(job_id: str) -> Response:
    """Say that a job is executing, done or aborted."""
    who = caller(_WORKERS)
    state = text_of(read_body(("state",)), "state")
    job = parts().queries.jobs.get(who.sees, job_id)
    if state == "aborted":
        return _abort(who, job)
    if state not in ("executing", "done"):
        raise invalid("A job is moved to executing, done or aborted.", "state")
    task = _own_task(who, job)
    if task is None:
        raise conflict("This job is run by workers of the engine; its state follows from theirs.", "state")
    report = TaskReport(TaskState.RUNNING if state == "executing" else TaskState.SUCCEEDED)
    if state == "done" and job.counts.unfinished > (0 if task.state.is_final else 1):
        raise conflict("Tasks of the job have not ended yet.", "state")
    parts().engine.move_task(who.sees, task.id, report)
    return stash(job_document(parts().queries.jobs.get(who.sees, job_id)))


@blueprint.delete(f"{PREFIX}/job/<string:job_id>")
def abort_job(job_id: str) -> Response:
    """Abort a job that has not ended."""
    who = caller(_WORKERS)
    return _abort(who, parts().queries.jobs.get(who.sees, job_id))


def _abort(who: Caller, job: Job) -> Response:
    if job.state.is_final and job.state is not JobState.CANCELED:
        raise conflict(f"The job is {JOB_WORDS[job.state]} and cannot be aborted any more.", "state")
    parts().engine.cancel(who.sees, [job.id])
    return stash(job_document(parts().queries.jobs.get(who.sees, job.id)))


def _own_task(who: Caller, job: Job) -> Task | None:
    """The task that stands for the job itself where others do its work."""
    where = TaskFilter(owner_id=who.sees, job_id=job.id, step=EXTERNAL_STEP)
    return next(iter(parts().queries.tasks.page(where, Page(limit=1))), None)


def _list(where: JobFilter, states: Sequence[str], order: JobOrder, asked: Page) -> Response:
    """The jobs of these states in that order; an order by state is the list of each state after that of another."""
    groups = [states] if order.states_descend is None else _one_by_one(states, order.states_descend)
    lists = [replace(where, sort=order.time, **states_of(words)) for words in groups]
    counts = [parts().queries.jobs.count(of_group) for of_group in lists]
    jobs = _read(lists, counts, replace(asked, limit=asked.limit or None, descending=order.descending))
    return listed(job_documents(jobs), sum(counts), asked.limit or 0, asked.offset)


def _read(lists: Sequence[JobFilter], counts: Sequence[int], page: Page) -> Iterator[Job]:
    """The page of these lists of jobs put one behind the other; ``counts`` are their lengths."""
    left, offset = page.limit, page.offset
    for where, count in zip(lists, counts, strict=True):
        for job in all_jobs(where, offset=offset, descending=page.descending, limit=left):
            yield job
            left = None if left is None else left - 1
        offset = max(0, offset - count)


def _one_by_one(states: Sequence[str], descending: bool) -> list[Sequence[str]]:
    return [(word,) for word in sorted(set(states), reverse=descending)]
