"""Tasks of a job: add, update, list, fetch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import Response, request

from api.auth import ANALYZE
from api.dialects.argus.criteria import read_sorts
from api.dialects.argus.door import (
    PREFIX,
    blueprint,
    caller,
    listed,
    milliseconds,
    read_body,
    stash,
    stretch,
    without_absent,
)
from api.dialects.argus.wording import TASK_STATES, word_of
from api.dialects.dialect import text_of, texts_of
from api.dialects.long_lists import stretches
from api.parts import parts
from jobengine.domain.errors import invalid, not_found
from jobengine.domain.pipeline import EXTERNAL_STEP
from jobengine.domain.records import Result, Task
from jobengine.domain.states import TaskState
from jobengine.verbs.requests import NewTask, TaskReport

_WORKER = re.compile(r"[a-zA-Z0-9_:\-.]{1,200}", re.ASCII)
_NEW_STATES = ("enqueued", "executing", "success", "failed")
_KEYS: dict[str, Callable[[Task], Any]] = {
    "worker": lambda task: task.step,
    "state": word_of,
    "enqueuedTimestamp": lambda task: task.created_at,
    "startTimestamp": lambda task: task.started_at or 0.0,
    "endTimestamp": lambda task: task.finished_at or 0.0,
}


@blueprint.post(f"{PREFIX}/job/<string:job_id>/task")
def add_job_task(job_id: str) -> Response:
    """Add a task. Sending the same again gives the same task: clients resend what they got no answer to."""
    who = caller(ANALYZE)
    body = read_body(("worker", "state"))
    worker, state = text_of(body, "worker"), text_of(body, "state", default="enqueued")
    if not _WORKER.fullmatch(worker):
        raise invalid("A worker's name has letters, digits and the signs _ : - . only.", "worker")
    if state not in _NEW_STATES:
        raise invalid(f"A new task is one of {', '.join(_NEW_STATES)}.", "state")
    task = parts().engine.add_task(who.sees, job_id, NewTask(worker, TASK_STATES[state], reuse_open=True))
    return stash(_document(task), 201)


@blueprint.put(f"{PREFIX}/job/<string:job_id>/task/<string:task_id>")
def update_job_task(job_id: str, task_id: str) -> Response:
    """Move a task; a success names the analysis that it came to."""
    who = caller(ANALYZE)
    body = read_body(("state", "analysisID", "analyses", "message"))
    _find(who.sees, job_id, task_id)
    state = text_of(body, "state")
    if state not in TASK_STATES or state == "enqueued":
        raise invalid("A task is moved to executing, success, failed or cancelled.", "state")
    analyses = _analyses(body)
    if state == "success" and not analyses:
        raise invalid("A success names its analysis.", "analysisID")
    report = TaskReport(
        TASK_STATES[state],
        message=text_of(body, "message", default=""),
        result={"analyses": analyses},
        result_kind="analysis",
    )
    return stash(_document(parts().engine.move_task(who.sees, task_id, report)))


@blueprint.get(f"{PREFIX}/job/<string:job_id>/tasks")
def list_job_tasks(job_id: str) -> Response:
    """The tasks of a job."""
    who = caller(reads=("limit", "offset"), several=("sortBy",))
    job = parts().queries.jobs.get(who.sees, job_id)
    limit, offset = stretch()
    tasks = [task for task in parts().queries.tasks.of_job(job.id) if task.step != EXTERNAL_STEP]
    for name, descending in reversed(
        read_sorts(request.args.getlist("sortBy") or ["worker"], {name: name for name in _KEYS})
    ):
        tasks.sort(key=_KEYS[name], reverse=descending)
    shown = tasks[offset : offset + limit if limit else None]
    return listed(_documents(shown), len(tasks), limit, offset)


@blueprint.get(f"{PREFIX}/job/<string:job_id>/task/<string:task_id>")
def get_job_task(job_id: str, task_id: str) -> Response:
    """One task."""
    return stash(_document(_find(caller().sees, job_id, task_id)))


def _find(sees: str | None, job_id: str, task_id: str) -> Task:
    job = parts().queries.jobs.get(sees, job_id)
    task, _ = parts().queries.tasks.get(sees, task_id)
    if task.job_id != job.id:
        raise not_found("task", task_id)
    return task


def _document(task: Task) -> dict[str, Any]:
    return next(_documents([task]))


def _documents(tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    for some in stretches(tasks):
        succeeded = [task.id for task in some if task.state is TaskState.SUCCEEDED]
        results = parts().queries.results.of_tasks(succeeded) if succeeded else {}
        for task in some:
            yield _with_analyses(task, _analyses_of(results.get(task.id)))


def _with_analyses(task: Task, analyses: list[dict[str, str]]) -> dict[str, Any]:
    return without_absent(
        {
            "id": task.id,
            "worker": task.step,
            "state": word_of(task),
            "enqueuedTimestamp": milliseconds(task.created_at),
            "startTimestamp": milliseconds(task.started_at),
            "endTimestamp": milliseconds(task.finished_at),
            "message": task.message or None,
            # One and many: what older and newer clients read.
            "analysis": analyses[0] if analyses else None,
            "analyses": analyses or None,
        }
    )


def _analyses_of(result: Result | None) -> list[dict[str, str]]:
    named = result.data.get("analyses") if result else None
    if isinstance(named, list):
        return [{"id": str(entry)} for entry in named]
    return [{"id": result.id}] if result else []


def _analyses(body: dict[str, Any]) -> list[str]:
    one = text_of(body, "analysisID", default="")
    return list(dict.fromkeys(([one] if one else []) + texts_of(body, "analyses")))
