"""The ledger: transactions, and the rows of each noun in one of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from jobengine.domain.interfaces.audit_rows import AuditRows
from jobengine.domain.interfaces.catalog_rows import CatalogRows
from jobengine.domain.interfaces.file_rows import FileRows
from jobengine.domain.interfaces.job_rows import JobRows
from jobengine.domain.interfaces.owner_rows import OwnerRows
from jobengine.domain.interfaces.result_rows import ResultRows
from jobengine.domain.interfaces.task_rows import TaskRows


class Ledger(Protocol):
    """The rows of one transaction."""

    @property
    def tasks(self) -> TaskRows: ...
    @property
    def jobs(self) -> JobRows: ...
    @property
    def results(self) -> ResultRows: ...
    @property
    def files(self) -> FileRows: ...
    @property
    def catalog(self) -> CatalogRows: ...
    @property
    def owners(self) -> OwnerRows: ...
    @property
    def audit(self) -> AuditRows: ...


class Store(Protocol):
    """The ledger. Every method raises EngineError(UNAVAILABLE) when the database cannot be reached."""

    def begin(self) -> AbstractContextManager[Ledger]:
        """A write transaction: committed when the block ends, rolled back when it raises."""

    def read(self) -> AbstractContextManager[Ledger]:
        """A reading transaction: one consistent view."""

    def migrate(self) -> None:
        """Bring the schema to the newest revision."""

    def check(self) -> None:
        """Raise EngineError(UNAVAILABLE) unless the database answers and its schema is the newest."""

    def claim_engine(self) -> AbstractContextManager[None]:
        """The right to run an engine on this ledger; raises EngineError(CONFLICT) where only one may, and one does."""

    def close(self) -> None: ...
