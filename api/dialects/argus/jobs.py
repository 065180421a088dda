"""Jobs: get, list, search, state, abort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from flask import Response, request

from api.auth import ANALYZE, SUBMIT, Caller
from api.dialects.argus.door import PREFIX, blueprint, caller, listed, milliseconds, stash, stretch, without_absent
from api.dialects.argus.times import parse_time
from api.dialects.argus.wording import JOB_STATES, JOB_WORDS
from api.dialects.dialect import json_object, text_of, texts_of
from api.parts import parts
from jobengine.domain.errors import conflict, invalid
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.pipeline import EXTERNAL_STEP
from jobengine.domain.records import Job, Task
from jobengine.domain.states import JobState, TaskState
from jobengine.verbs.requests import TaskReport

SORTS = {"enqueuedTimestamp": "created_at", "startTimestamp": "started_at", "endTimestamp": "finished_at"}
_WORKERS = ANALYZE | SUBMIT


@blueprint.get(f"{PREFIX}/job")
def list_jobs() -> Response:
    """The jobs, the last enqueued first."""
    who = caller()
    limit, offset = stretch()
    where = JobFilter(owner_id=who.sees, states=_states(request.args.getlist("state")))
    return _list([where], request.args.getlist("sortBy"), limit, offset)


@blueprint.post(f"{PREFIX}/job/search")
def search_jobs() -> Response:
    """The jobs that meet all criteria."""
    who = caller()
    body = json_object()
    hashes = texts_of(body, "sampleSha256")
    where = JobFilter(
        owner_id=who.sees,
        states=_states(texts_of(body, "state")),
        file_sha256=tuple(found.lower() for found in hashes) or None,
    )
    limit, offset = _number(body, "limit", 25), _number(body, "offset", 0)
    if not _is_own_customer(who, body):
        return listed([], 0, limit, offset)
    return _list(_in_time(where, body), texts_of(body, "sortBy"), limit, offset)


@blueprint.get(f"{PREFIX}/job/<string:job_id>")
def get_job(job_id: str) -> Response:
    """One job."""
    return stash(shape(parts().queries.job(caller().sees, job_id).job))


@blueprint.put(f"{PREFIX}/job/<string:job_id>")
def update_job_state(job_id: str) -> Response:
    """Say that a job is executing, done or aborted."""
    who = caller(_WORKERS)
    state = text_of(json_object(), "state")
    job = parts().queries.job(who.sees, job_id).job
    if state == "aborted":
        return _abort(who, job)
    if state not in ("executing", "done"):
        raise invalid("A job is moved to executing, done or aborted.", "state")
    task = _own_task(job)
    if task is None:
        raise conflict("This job is run by workers of the engine; its state follows from theirs.", "state")
    report = TaskReport(TaskState.RUNNING if state == "executing" else TaskState.SUCCEEDED)
    if state == "done" and job.counts.unfinished > (0 if task.state.is_final else 1):
        raise conflict("Tasks of the job have not ended yet.", "state")
    parts().engine.move_task(who.sees, task.id, report)
    return stash(shape(parts().queries.job(who.sees, job_id).job))


@blueprint.delete(f"{PREFIX}/job/<string:job_id>")
def abort_job(job_id: str) -> Response:
    """Abort a job that has not ended."""
    who = caller(_WORKERS)
    return _abort(who, parts().queries.job(who.sees, job_id).job)


def shape(job: Job) -> dict[str, Any]:
    """A job in SampleDB's words."""
    owner = parts().queries.owner(job.owner_id)
    sample = parts().queries.first_files([job.id]).get(job.id)
    return without_absent(
        {
            "id": job.id,
            "customer": {"id": owner.id, "name": owner.name, "shortName": owner.name},
            "analysedSample": {"id": sample.sha256, "size": sample.size_bytes} if sample else None,
            "state": JOB_WORDS[job.state],
            "enqueuedTimestamp": milliseconds(job.created_at),
            "startTimestamp": milliseconds(job.started_at),
            "endTimestamp": milliseconds(job.finished_at),
        }
    )


def _abort(who: Caller, job: Job) -> Response:
    if job.state.is_final and job.state is not JobState.CANCELED:
        raise conflict(f"The job is {JOB_WORDS[job.state]} and cannot be aborted any more.", "state")
    parts().engine.cancel(who.sees, [job.id])
    return stash(shape(parts().queries.job(who.sees, job.id).job))


def _own_task(job: Job) -> Task | None:
    """The task that stands for the job itself where others do its work."""
    tasks = parts().queries.tasks_of(job.id)
    return next((task for task in tasks if task.step == EXTERNAL_STEP), None)


def _list(filters: Sequence[JobFilter], sorts: Sequence[str], limit: int, offset: int) -> Response:
    name, descending = _sort(sorts)
    filters = [replace(where, sort=name) for where in filters]
    if any(where.states == () for where in filters):
        return listed([], 0, limit, offset)
    queries = parts().queries
    if len(filters) == 1:
        rows = queries.jobs(filters[0], Page(limit=limit or None, offset=offset, descending=descending))
        return listed([shape(job) for job in rows], queries.count_jobs(filters[0]), limit, offset)
    everything = {job.id: job for job in chain(*(queries.jobs(where, Page(limit=None)) for where in filters))}
    ordered = sorted(everything.values(), key=lambda job: (getattr(job, name) or 0.0, job.id), reverse=descending)
    rows = ordered[offset : offset + limit if limit else None]
    return listed([shape(job) for job in rows], len(everything), limit, offset)


def _sort(sorts: Sequence[str]) -> tuple[str, bool]:
    """Our name of the first thing to sort by, and whether the largest comes first."""
    word = sorts[0] if sorts else "-enqueuedTimestamp"
    name = word.lstrip("+-")
    if name not in SORTS:
        raise invalid(f"Sort by one of {', '.join(SORTS)}, with '-' in front for descending.", "sortBy")
    return SORTS[name], word.startswith("-")


def _states(words: Sequence[str]) -> tuple[JobState, ...] | None:
    for word in words:
        if word not in JOB_STATES:
            raise invalid(f"A state is one of {', '.join(JOB_STATES)}.", "state")
    return tuple(dict.fromkeys(chain(*(JOB_STATES[word] for word in words)))) if words else None


def _in_time(where: JobFilter, body: dict[str, Any]) -> list[JobFilter]:
    """The filter with the limits in time: all at once, or one for each field where any will do."""
    now = parts().outside.clock()
    after, before = (parse_time(body.get(name), name, now) for name in ("startTimestamp", "endTimestamp"))
    fields = texts_of(body, "timeFieldStrategy") or ["enqueuedTimestamp"]
    if "all" in fields:
        fields = list(SORTS)
    if unknown := [field for field in fields if field not in SORTS]:
        raise invalid(f"There is no time {unknown[0]!r}; use {', '.join(SORTS)} or all.", "timeFieldStrategy")
    limits = [_limits(SORTS[name], after, before) for name in fields]
    if body.get("timeMatchStrategy", "any") == "all":
        return [replace(where, **{key: value for entry in limits for key, value in entry.items()})]
    return [replace(where, **entry) for entry in limits]


def _limits(field: str, after: float | None, before: float | None) -> dict[str, Any]:
    name = field.removesuffix("_at")
    given = {f"{name}_after": after, f"{name}_before": before}
    return {key: at for key, at in given.items() if at is not None}


def _is_own_customer(who: Caller, body: dict[str, Any]) -> bool:
    wanted = texts_of(body, "customer")
    return not wanted or {who.owner_id, parts().queries.owner(who.owner_id).name} & set(wanted) != set()


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise invalid(f"{name} must be a whole number.", name)
    return value
