"""Lists on a ledger with a million jobs, beside one with a thousand: ``python -m tests.bench.listing [JOBS]``.

Prints the 99th percentile of each kind of request in milliseconds on both, and the ratio, which should stay below 2.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Counts, Job, Owner
from jobengine.domain.states import JobState
from jobengine.store import SqlStore

OWNER = "a" * 24
ROUNDS = 400
_STATES = (JobState.SUCCEEDED,) * 8 + (JobState.FAILED, JobState.CANCELED)
_AT_ONCE = 20_000


def fill(store: SqlStore, jobs: int) -> None:
    """A ledger of one owner with jobs of ten pipelines in all states, a second apart."""
    with store.begin() as ledger:
        ledger.owners.insert([Owner(OWNER, "bench", 0.0)])
    for start in range(0, jobs, _AT_ONCE):
        rows = [_job(number) for number in range(start, min(start + _AT_ONCE, jobs))]
        with store.begin() as ledger:
            ledger.jobs.insert(rows, {})


def _job(number: int) -> Job:
    state = _STATES[number % len(_STATES)]
    at = float(number)
    return Job(
        id=f"{number:024x}",
        owner_id=OWNER,
        name=f"job {number}",
        pipeline_id="b" * 24,
        pipeline_name=f"pipeline {number % 10}",
        pipeline_version=1,
        state=state,
        counts=Counts(succeeded=1),
        progress=1000,
        priority=5,
        created_at=at,
        labels={"plate": str(number % 1000)},
        started_at=at + 1,
        finished_at=at + 2,
    )


def requests(jobs: int) -> dict[str, Callable[[Ledger], object]]:
    """What is measured, by name."""
    middle = f"{jobs // 2:024x}"
    half = jobs / 2

    def listed(page: Page = Page(), **criteria: object) -> Callable[[Ledger], object]:  # noqa: B008 - a frozen value
        where = JobFilter(owner_id=OWNER, **criteria)  # type: ignore[arg-type]
        return lambda ledger: ledger.jobs.page(where, page)

    return {
        "first page": listed(),
        "deep page by cursor": listed(Page(after=middle)),
        "by state": listed(states=(JobState.FAILED,)),
        "by pipeline": listed(pipeline_name="pipeline 3"),
        "by label": listed(labels={"plate": "7"}),
        "by common text": listed(text="job 7"),
        "by rare text": listed(text=f"job {jobs - 2}"),
        "created before": listed(created_before=half),
        "created after": listed(created_after=half),
        "started before": listed(started_before=half),
        "finished after": listed(finished_after=half, sort="finished_at"),
        "statistics": lambda ledger: ledger.jobs.statistics(OWNER),
    }


def measure(stores: Sequence[SqlStore], asked: Sequence[Callable[[Ledger], object]]) -> list[float]:
    """The 99th percentile on each ledger in milliseconds; they take turns, as other work on the machine slows both."""
    times: list[list[float]] = [[] for _ in stores]
    for _ in range(ROUNDS):
        for store, request, taken in zip(stores, asked, times, strict=True):
            began = time.perf_counter()
            with store.read() as ledger:
                request(ledger)
            taken.append(time.perf_counter() - began)
    return [1000 * sorted(taken)[int(0.99 * ROUNDS)] for taken in times]


def main(jobs: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        small, large = (SqlStore(f"sqlite:///{Path(name) / str(size)}.sqlite") for size in (1000, jobs))
        for store, size in ((small, 1000), (large, jobs)):
            store.migrate()
            fill(store, size)
        sys.stdout.write(f"{'p99 in milliseconds':22} {'1000 jobs':>10} {f'{jobs} jobs':>14} {'ratio':>7}\n")
        few, many = requests(1000), requests(jobs)
        for kind, request in few.items():
            before, after = measure((small, large), (request, many[kind]))
            sys.stdout.write(f"{kind:22} {before:10.2f} {after:14.2f} {after / before:7.2f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
