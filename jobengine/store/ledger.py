"""The rows of one transaction, noun by noun."""

from __future__ import annotations

from jobengine.store.audit import SqlAudit
from jobengine.store.bulk import Link
from jobengine.store.catalog import SqlCatalog
from jobengine.store.files import SqlFiles
from jobengine.store.jobs import SqlJobs
from jobengine.store.owners import SqlOwners
from jobengine.store.results import SqlResults
from jobengine.store.statistics import Statistics
from jobengine.store.tasks import SqlTasks


class SqlLedger:
    """``Ledger`` on one connection."""

    def __init__(self, link: Link) -> None:
        self._statistics = Statistics(link)
        self.tasks = SqlTasks(link)
        self.jobs = SqlJobs(link, self._statistics)
        self.results = SqlResults(link)
        self.files = SqlFiles(link)
        self.catalog = SqlCatalog(link)
        self.owners = SqlOwners(link)
        self.audit = SqlAudit(link)

    def flush(self) -> None:
        """Write what is kept back until the transaction ends."""
        self._statistics.flush()
