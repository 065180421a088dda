"""Batches: deleting them with their jobs."""

from __future__ import annotations

from collections.abc import Sequence

from jobengine.domain.filters import JobFilter, Page
from jobengine.verbs.deletion import delete_jobs_where
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans


def delete_batches(outside: Outside, plans: Plans, owner_id: str | None, batch_ids: Sequence[str]) -> int:
    """Delete these batches and all their jobs, canceling what still runs; how many batches there were.

    Batches of other owners are passed over (``owner_id`` None: nobody's are). A batch goes after its jobs, so one that
    was interrupted on the way can be deleted again.
    """
    with outside.store.read() as ledger:
        batches = ledger.owners.batches(owner_id, Page(limit=None), ids=batch_ids)
    for batch in batches:
        delete_jobs_where(outside, plans, JobFilter(batch_id=batch.id))
    with outside.store.begin() as ledger:
        return ledger.owners.delete_batches([batch.id for batch in batches])
