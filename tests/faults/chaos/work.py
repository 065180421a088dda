"""What the soak has done: jobs of some kinds, submitted and read over HTTP, and how their tasks must end."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.chaos.load import Client

STEPS = "tests.teststeps,tests.faults.chaos.steps"

JOB_FILES = 1000
_OTHER_FILES = 100
_AT_A_TIME = 4
_OTHER_EVERY = 10
_LOOK_SECONDS = 0.2
_JOB_SECONDS = 300.0
_UPLOAD_FILES = 100
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: on how many files, and how many of its tasks end in which state."""

    pipeline: str
    files: int
    ends: Mapping[str, int]

    @property
    def tasks(self) -> int:
        """How many there are."""
        return sum(self.ends.values())


NOOP = Kind("noop", JOB_FILES, {"succeeded": JOB_FILES})
OTHERS = (
    # Results with content and an artifact each; the first file is empty and is rejected, and one task sums up the rest.
    Kind("sum", _OTHER_FILES, {"succeeded": _OTHER_FILES, "failed": 1}),
    # Each task breaks once and is tried again.
    Kind("chaos-flaky", _OTHER_FILES, {"succeeded": _OTHER_FILES}),
    Kind("chaos-rejecting", _OTHER_FILES, {"failed": _OTHER_FILES}),
)
WARM_UP = (*OTHERS, *[NOOP] * 5)
"""After one job of each kind, and as many tasks as fill what is kept at hand, a process holds what it needs."""


def plan_jobs(tasks: int) -> Iterator[Kind]:
    """Jobs with at least so many tasks together; one in ten, the first included, is not a noop."""
    number = 0
    while tasks > 0:
        is_other = number % _OTHER_EVERY == 0
        kind = OTHERS[number // _OTHER_EVERY % len(OTHERS)] if is_other else NOOP
        yield kind
        tasks -= kind.tasks
        number += 1


def count_ends(kinds: Iterable[Kind]) -> dict[str, int]:
    """How many tasks of all these jobs must end in each state."""
    ends: Counter[str] = Counter()
    for kind in kinds:
        ends.update(kind.ends)
    return dict(ends)


def upload_files(client: Client) -> list[str]:
    """The files that all jobs share, the first one empty; their IDs."""
    contents = [f"{number}".encode() if number else b"" for number in range(JOB_FILES)]
    parts = [contents[start : start + _UPLOAD_FILES] for start in range(0, JOB_FILES, _UPLOAD_FILES)]
    return [file_id for part in parts for file_id in client.upload(part)]


def run_jobs(client: Client, file_ids: list[str], kinds: Iterable[Kind]) -> None:
    """Submit jobs, a few at a time, and read each when it has ended."""
    open_ids: deque[str] = deque()
    for kind in kinds:
        if len(open_ids) >= _AT_A_TIME:
            _read_job(client, open_ids.popleft())
        body = {"pipeline": kind.pipeline, "files": file_ids[: kind.files]}
        open_ids.append(_answer(client, "POST", "/api/v1/jobs", json=body)["id"])
    for job_id in open_ids:
        _read_job(client, job_id)


def _read_job(client: Client, job_id: str) -> None:
    """Wait for the end of a job, and read it, all its results, and its first artifact."""
    job, deadline = _answer(client, "GET", f"/api/v1/jobs/{job_id}"), time.monotonic() + _JOB_SECONDS
    while job["state"] in ("pending", "running"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the job {job_id} did not end within {_JOB_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)
        job = _answer(client, "GET", f"/api/v1/jobs/{job_id}")
    cursor: str | None = None
    while True:
        query = {"limit": _PAGE} | ({"cursor": cursor} if cursor else {})
        cursor = _answer(client, "GET", f"/api/v1/jobs/{job_id}/results", params=query)["next_cursor"]
        if cursor is None:
            break
    for artifact in job["artifacts"][:1]:
        client.call("GET", f"/api/v1/artifacts/{artifact['id']}/content").raise_for_status()


def _answer(client: Client, method: str, path: str, **arguments: Any) -> dict[str, Any]:
    answer = client.call(method, path, **arguments)
    answer.raise_for_status()
    return dict(answer.json())
