"""The rows of the tasks, and what is written to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from jobengine.domain.filters import Page, TaskFilter
from jobengine.domain.records import Task
from jobengine.domain.states import TaskState


class TaskChange(NamedTuple):
    """A guarded write: it holds only while the row still has the state and the attempt of ``before``."""

    before: Task
    after: Task


@dataclass(frozen=True, slots=True)
class Settlement:
    """Predecessors that became final: ``done`` of them, ``unmet`` without success.

    It concerns the waiting tasks of one node of one job: the one on ``file_id``, or all where that is None.
    """

    job_id: str
    node: str
    file_id: str | None
    done: int
    unmet: int


class TaskRows(Protocol):
    """The tasks."""

    def insert(self, tasks: Sequence[Task]) -> None: ...

    def fetch(self, ids: Collection[str], *, lock: bool = False) -> dict[str, Task]:
        """The tasks of these IDs that exist; ``lock`` keeps other writers from them and from their jobs.

        A transaction locks once: jobs are always locked before tasks, and both in the order of their IDs.
        """

    def of_deliveries(self, delivery_ids: Collection[str], *, lock: bool = False) -> list[Task]:
        """The tasks that are enqueued or running in these deliveries."""

    def of_reports(self, task_ids: Collection[str], delivery_ids: Collection[str]) -> list[Task]:
        """The tasks of these IDs and those that are enqueued or running in these deliveries, oldest first, locked."""

    def of_jobs(
        self, job_ids: Collection[str], states: Collection[TaskState] | None = None, *, lock: bool = False
    ) -> list[Task]:
        """The tasks of these jobs, in these states, oldest first."""

    def first_failed(self, job_ids: Collection[str]) -> dict[str, Task]:
        """The oldest failed task of each of these jobs that has one."""

    def write(self, changes: Sequence[TaskChange]) -> set[str]:
        """Write each ``after`` whose guard holds, in one plural statement; the IDs of the tasks that moved."""

    def settle(self, settlements: Sequence[Settlement]) -> list[Task]:
        """Count predecessors down; the waiting tasks among those touched that now wait on nothing."""

    def pick_ready(
        self,
        queue: str,
        now: float,
        limit: int,
        busy: Mapping[str, int],
        caps: Mapping[str, int],
        *,
        without_steps: Collection[str] = (),
        may_wait: bool = True,
    ) -> list[Task]:
        """Up to ``limit`` worker tasks of a queue that may be dispatched now, locked, in the order to go in.

        Higher priority first. Within a priority owners take turns, who has the fewest tasks in flight first
        (``busy``: owner ID → enqueued and running); an owner with a cap (``caps``) gets no more than it
        leaves room for. Tasks of the steps named are left where they are.
        Tasks that another engine is picking are passed over, and jobs that somebody is at, unless there is nothing
        else and we ``may_wait``: a transaction that has locked jobs already may not.
        """

    def count_in_flight(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        """Enqueued and running worker tasks by owner ID, and enqueued worker tasks by (queue, step name)."""

    def count_ready(self, queue: str, least_priority: int, now: float) -> dict[tuple[int, str], int]:
        """Ready worker tasks of a queue that are due and have at least this priority, by (priority, owner ID)."""

    def count_ready_before(self, task: Task, now: float) -> int:
        """How many of these with the queue, the priority and the owner of a task are older than it."""

    def unclaimed(self, enqueued_before: float, limit: int) -> list[Task]:
        """Enqueued worker tasks without a lease that were dispatched before a time."""

    def lapsed(self, now: float, limit: int) -> list[Task]:
        """Worker tasks whose lease has expired."""

    def page(self, where: TaskFilter, page: Page) -> list[Task]: ...

    def count(self, where: TaskFilter) -> int: ...
