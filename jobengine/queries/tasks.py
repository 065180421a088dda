"""Reading tasks: alone, in lists, with their attempts and logs."""

from __future__ import annotations

from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.records import Attempt, LogLine, Task
from jobengine.queries.ownership import check_job, own


class TaskQueries:
    """Tasks, with their attempts and logs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, owner_id: str | None, task_id: str) -> tuple[Task, list[Attempt]]:
        """One task with its ended attempts."""
        with self._store.read() as ledger:
            task = own(owner_id, "task", task_id, ledger.tasks.fetch([task_id]))
            return task, ledger.results.attempts([task_id])

    def page(self, where: TaskFilter, page: Page) -> list[Task]:
        """A page of tasks; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            check_job(ledger, where.owner_id, where.job_id)
            return ledger.tasks.page(where, page)

    def of_job(self, job_id: str) -> list[Task]:
        """All tasks of a job that the caller has been shown, oldest first."""
        with self._store.read() as ledger:
            return ledger.tasks.of_jobs([job_id])

    def log(self, owner_id: str | None, task_id: str) -> list[LogLine]:
        """What a task logged, oldest first."""
        with self._store.read() as ledger:
            own(owner_id, "task", task_id, ledger.tasks.fetch([task_id]))
            return ledger.results.logs(task_id)
