"""Records for tests of the rules, with the fields that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from jobengine.domain.records import Task
from jobengine.domain.states import TaskState


def make_task(**fields: Any) -> Task:
    """A task in its first attempt."""
    given: dict[str, Any] = {
        "id": "0" * 24,
        "job_id": "1" * 24,
        "owner_id": "2" * 24,
        "node": "measure",
        "step": "test.measure",
        "file_id": None,
        "state": TaskState.RUNNING,
        "priority": 5,
        "created_at": 100.0,
        "attempt": 1,
        "delivery_id": "3" * 24,
        "worker": "worker-1",
    }
    return Task(**{**given, **fields})
