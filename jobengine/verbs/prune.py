"""Retention: jobs that have outlived it, bytes that no row names any more, and tickets that nobody will claim."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.interfaces import StoredBytes
from jobengine.domain.states import JobState
from jobengine.verbs.deletion import delete_jobs
from jobengine.verbs.outside import Outside
from jobengine.verbs.plans import Plans
from jobengine.verbs.tickets import withdraw_stale_tickets

_DAY_SECONDS = 86_400.0
_JOBS_AT_ONCE = 200
_HASHES_AT_ONCE = 500
_FINAL = tuple(state for state in JobState if state.is_final)

SWEEP_SECONDS = 3600.0
"""How often the artifact store is searched for bytes without a row."""


TICKET_SECONDS = 60.0
"""How old a ticket is before it is asked whether anybody will claim it."""


class Pruner:
    """Remembers when it last swept the artifact store."""

    def __init__(self, outside: Outside, plans: Plans) -> None:
        self._outside = outside
        self._plans = plans
        self._swept_at = float("-inf")

    def prune(self) -> int:
        """Delete old jobs, tickets left alone and, now and then, orphaned bytes; how many of all."""
        deleted = self._prune_jobs()
        now = self._outside.clock()
        if now - self._swept_at >= SWEEP_SECONDS:
            deleted += self._prune_bytes(now)
            with self._outside.store.begin() as ledger:
                ledger.jobs.forget_requests(now)
            self._swept_at = now
        return deleted + withdraw_stale_tickets(self._outside, TICKET_SECONDS)

    def _prune_jobs(self) -> int:
        days = self._outside.settings.job_retention_days
        if days <= 0:
            return 0
        old = JobFilter(states=_FINAL, finished_before=self._outside.clock() - days * _DAY_SECONDS)
        with self._outside.store.read() as ledger:
            jobs = ledger.jobs.page(old, Page(limit=_JOBS_AT_ONCE, descending=False))
        return delete_jobs(self._outside, self._plans, None, [job.id for job in jobs]) if jobs else 0

    def _prune_bytes(self, now: float) -> int:
        """Bytes are spared while they are young: an upload is stored before the row that names it is written."""
        oldest = now - self._outside.settings.orphan_retention_seconds
        entries = (entry for entry in self._outside.artifacts.entries() if entry.stored_at < oldest)
        deleted = 0
        for chunk in _chunks(entries):
            hashes = {entry.sha256 for entry in chunk}
            with self._outside.store.read() as ledger:
                orphans = hashes - ledger.files.named_hashes(hashes)
            # What was stored again meanwhile is young, and its row may come any moment.
            deleted += self._outside.artifacts.delete(sorted(name for name in orphans if self._is_old(name, oldest)))
        return deleted

    def _is_old(self, sha256: str, oldest: float) -> bool:
        found = self._outside.artifacts.stat(sha256)
        return found is not None and found.stored_at < oldest


def _chunks(entries: Iterator[StoredBytes]) -> Iterator[list[StoredBytes]]:
    while chunk := list(islice(entries, _HASHES_AT_ONCE)):
        yield chunk
