"""The read verbs, one file per noun: each answers from one consistent view, for one owner.

``owner_id`` None sees everything. What belongs to somebody else is not found.
"""

from __future__ import annotations

from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.interfaces.transport import Transport
from jobengine.queries.batches import BatchQueries
from jobengine.queries.catalog import CatalogQueries
from jobengine.queries.files import FileQueries
from jobengine.queries.jobs import JobQueries
from jobengine.queries.owners import OwnerQueries
from jobengine.queries.results import ResultQueries
from jobengine.queries.system import SystemQueries
from jobengine.queries.tasks import TaskQueries


class Queries:
    """Reads the ledger and nothing else; the system's health alone asks the other adapters how they are."""

    def __init__(self, store: Store, transport: Transport, artifacts: ArtifactStore, clock: Clock) -> None:
        self.files = FileQueries(store)
        self.catalog = CatalogQueries(store)
        self.jobs = JobQueries(store)
        self.batches = BatchQueries(store)
        self.tasks = TaskQueries(store)
        self.results = ResultQueries(store)
        self.owners = OwnerQueries(store)
        self.system = SystemQueries(store, transport, artifacts, clock)
