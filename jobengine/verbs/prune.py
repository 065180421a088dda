"""Retention: jobs and batches that have outlived it, bytes without a row, tickets without a claimant, lost workers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces.artifacts import StoredBytes
from jobengine.domain.states import JobState
from jobengine.verbs.deletion import delete_jobs
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.tickets import withdraw_stale_tickets

_DAY_SECONDS = 86_400.0
_JOBS_AT_ONCE = 200
_HASHES_AT_ONCE = 500
_CHUNKS_AT_ONCE = 10
_FINAL = tuple(state for state in JobState if state.is_final)

SWEEP_SECONDS = 3600.0
"""How often the artifact store is searched for bytes without a row."""

WORKER_SECONDS = 86_400.0
"""How long a worker is remembered that says nothing: where each start has a name of its own, they would pile up."""

TICKET_SECONDS = 60.0
"""How old a ticket is before it is asked whether anybody will claim it."""


class Pruner:
    """Remembers how far the search of the artifact store is, and when the last one ended."""

    def __init__(self, outside: Outside, plans: Plans) -> None:
        self._outside = outside
        self._plans = plans
        self._swept_at = float("-inf")
        self._rest: Iterator[list[StoredBytes]] | None = None

    def prune(self) -> int:
        """Delete old jobs, tickets left alone and, now and then, orphaned bytes; how many of all."""
        deleted = self._prune_jobs()
        if self._outside.clock() - self._swept_at >= SWEEP_SECONDS:
            deleted += self._sweep(self._outside.clock())
        return deleted + withdraw_stale_tickets(self._outside, TICKET_SECONDS)

    def _prune_jobs(self) -> int:
        oldest = self._oldest_kept()
        if oldest is None:
            return 0
        old = JobFilter(states=_FINAL, finished_before=oldest)
        with self._outside.store.read() as ledger:
            jobs = ledger.jobs.page(old, Page(limit=_JOBS_AT_ONCE, descending=False))
        if not jobs:
            return 0
        return delete_jobs(self._outside, self._plans, None, [job.id for job in jobs], batches_before=oldest)

    def _oldest_kept(self) -> float | None:
        """What ended before this time has outlived the retention; None where everything is kept."""
        days = self._outside.settings.job_retention_days
        return self._outside.clock() - days * _DAY_SECONDS if days > 0 else None

    def _sweep(self, now: float) -> int:
        """Go on with the search for orphaned bytes; what was found, and one more while it has not come to its end."""
        oldest = now - self._outside.settings.orphan_retention_seconds
        rest = self._rest or _chunks(self._outside.artifacts.entries())
        # If anything goes wrong on the way, the next search begins anew.
        self._rest = None
        deleted = 0
        for _ in range(_CHUNKS_AT_ONCE):
            chunk = next(rest, None)
            if chunk is None:
                self._tidy_rows(now)
                self._swept_at = now
                return deleted
            deleted += self._delete_orphans({entry.sha256 for entry in chunk if entry.stored_at < oldest}, oldest, now)
        self._rest = rest
        return deleted + 1

    def _tidy_rows(self, now: float) -> None:
        oldest = self._oldest_kept()
        with self._outside.store.begin() as ledger:
            ledger.jobs.forget_requests(now)
            if oldest is not None:
                # Those whose jobs their owner deleted, and those that were emptied by releases that let them stay.
                ledger.owners.delete_empty_batches(oldest)
            ledger.catalog.forget_workers(now - WORKER_SECONDS)

    def _delete_orphans(self, hashes: Collection[str], oldest: float, now: float) -> int:
        """Bytes are spared while they are young, as an upload is stored before its row is written, and while they were
        named not long ago: a backup may have begun with the rows and come for the bytes later.
        """
        if not hashes:
            return 0
        with self._outside.store.begin() as ledger:
            named = ledger.files.named_hashes(hashes)
            ledger.files.forget_orphans(named)
            since = ledger.files.note_orphans(set(hashes) - named, now)
        lost = sorted(sha256 for sha256, noted_at in since.items() if noted_at < oldest)
        if not lost:
            return 0
        deleted = self._outside.artifacts.delete(lost, stored_before=oldest)
        with self._outside.store.begin() as ledger:
            ledger.files.forget_orphans(lost)
        return deleted


def _chunks(entries: Iterator[StoredBytes]) -> Iterator[list[StoredBytes]]:
    while chunk := list(islice(entries, _HASHES_AT_ONCE)):
        yield chunk
