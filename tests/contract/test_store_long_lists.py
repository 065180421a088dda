"""Paging through 100,000 jobs while others come and go: nothing twice, and nothing missed that stood throughout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.ledger import Store
from tests.contract.ledgers import on_every_ledger
from tests.contract.rows import OWNER, make_job

pytestmark = [on_every_ledger, pytest.mark.acceptance]

JOBS = 100_000
STRETCH = 1000


def test_a_list_of_a_hundred_thousand_jobs_holds_still_where_nothing_changes(store: Store) -> None:
    template = make_job()
    with store.begin() as ledger:
        jobs = [replace(template, id=f"{2 * number + 1:024x}", created_at=float(number)) for number in range(JOBS)]
        ledger.jobs.insert(jobs, {})
    gone, seen = set(), []
    cursor: str | None = None
    round_number = 0
    while True:
        with store.read() as ledger:
            page = ledger.jobs.page(JobFilter(owner_id=OWNER), Page(limit=STRETCH, after=cursor))
        seen += [job.id for job in page]
        if len(page) < STRETCH:
            break
        cursor = page[-1].id
        round_number += 1
        if round_number % 10 == 0:
            # Others come at the top and in the middle, and go before and behind the reader.
            with store.begin() as ledger:
                behind, ahead = f"{2 * (JOBS - round_number) + 1:024x}", f"{2 * round_number + 1:024x}"
                gone |= {behind, ahead}
                ledger.jobs.delete([behind, ahead])
                fresh = [f"{2 * JOBS + round_number:024x}", f"{2 * round_number:024x}"]
                ledger.jobs.insert([replace(template, id=name, created_at=0.0) for name in fresh], {})
    assert len(seen) == len(set(seen))
    assert {job.id for job in jobs} - gone <= set(seen)
