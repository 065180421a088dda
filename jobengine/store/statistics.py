"""How many jobs there are of each owner, pipeline and state, kept in the transactions that move jobs.

Changes are gathered and written when the transaction ends, in a fixed order: the rows that all engines share are held
for a moment only, and engines never wait for each other in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import lru_cache

from sqlalchemy import Executable, func, select, true

from jobengine.domain.states import JobState
from jobengine.store.bulk import Link, incoming, upsert
from jobengine.store.paging import equalities
from jobengine.store.tables import job_counts

_KEYS = ("owner_id", "pipeline_name", "state")


class Statistics:
    """The counts of jobs in one transaction."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._changes: Counter[tuple[str, str, str]] = Counter()

    def add(self, owner_id: str, pipeline_name: str, state: JobState, change: int) -> None:
        """So many jobs more, or fewer; written by ``flush``."""
        self._changes[owner_id, pipeline_name, state.value] += change

    def flush(self) -> None:
        """Write what was gathered."""
        rows = [(*key, change) for key, change in sorted(self._changes.items()) if change]
        self._changes.clear()
        for _ in self._link.run_bulk(_add_statement, rows):
            pass

    def read(self, owner_id: str | None) -> dict[tuple[str, JobState], int]:
        """Jobs by (pipeline name, state); of every owner with None."""
        self.flush()
        total = func.sum(job_counts.c.jobs)
        grouped = (job_counts.c.pipeline_name, job_counts.c.state)
        statement = select(*grouped, total).where(*equalities(job_counts, {"owner_id": owner_id}))
        rows = self._link.run(statement.group_by(*grouped).having(total != 0).order_by(*grouped))
        return {(name, JobState(state)): int(count) for name, state, count in rows}

    def count(self, owner_id: str | None, pipeline_name: str | None, states: Collection[JobState] | None) -> int:
        """How many jobs there are of the owner, the pipeline and these states; None asks for nothing."""
        counts = self.read(owner_id).items()
        return sum(
            count
            for (name, state), count in counts
            if pipeline_name in (None, name) and (states is None or state in states)
        )


@lru_cache(maxsize=2)
def _add_statement(is_postgresql: bool) -> Executable:
    given = incoming(job_counts.c, is_postgresql)
    ordered = select(*given.c).where(true()).order_by(*(given.c[key] for key in _KEYS))
    put = upsert(job_counts, is_postgresql).from_select(job_counts.c.keys(), ordered)
    statement: Executable = put.on_conflict_do_update(
        index_elements=list(_KEYS), set_={"jobs": job_counts.c.jobs + put.excluded.jobs}
    )
    return statement
