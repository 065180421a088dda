"""Reading uploaded files."""

from __future__ import annotations

from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.records import File
from jobengine.queries.ownership import check_job, own


class FileQueries:
    """Files, one or many."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, owner_id: str | None, file_id: str) -> File:
        """One file."""
        with self._store.read() as ledger:
            return own(owner_id, "file", file_id, ledger.files.fetch([file_id]))

    def page(self, where: FileFilter, page: Page) -> list[File]:
        """A page of files; raises EngineError(NOT_FOUND) for a job that is not the owner's."""
        with self._store.read() as ledger:
            check_job(ledger, where.owner_id, where.job_id)
            return ledger.files.page(where, page)

    def count(self, where: FileFilter) -> int:
        """How many files meet the criteria."""
        with self._store.read() as ledger:
            return ledger.files.count(where)

    def folders(self, owner_id: str | None) -> list[tuple[str, float]]:
        """The folders that files are in, by name, each with the time of its first file."""
        with self._store.read() as ledger:
            return ledger.files.folders(owner_id)
