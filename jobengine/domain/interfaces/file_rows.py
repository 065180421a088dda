"""The rows of the uploaded files, and which bytes are named by any row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.records import File


class FileRows(Protocol):
    """The uploaded files."""

    def insert(self, files: Sequence[File]) -> None: ...

    def fetch(self, ids: Collection[str]) -> dict[str, File]: ...

    def page(self, where: FileFilter, page: Page) -> list[File]: ...

    def count(self, where: FileFilter) -> int: ...

    def first_of_jobs(self, job_ids: Collection[str]) -> dict[str, File]:
        """The first file of each of these jobs, by job; a job without files, or whose first is gone, is left out."""

    def folders(self, owner_id: str | None) -> list[tuple[str, float]]:
        """The folders that files are in, by name, each with the time of its first file."""

    def stored_bytes(self, owner_id: str) -> int:
        """The sizes of the owner's distinct contents, files and artifacts together."""

    def hold(self, owner_id: str, *, to_delete: bool = False) -> None:
        """Keep the owner's files from being deleted until the transaction ends; or wait until nobody else does."""

    def is_needed(self, file_id: str) -> bool:
        """Whether a job that is not final works on the file."""

    def delete(self, ids: Collection[str]) -> int: ...

    def named_hashes(self, sha256s: Collection[str]) -> set[str]:
        """Those of these hashes that any file or artifact row names."""

    def note_orphans(self, sha256s: Collection[str], now: float) -> dict[str, float]:
        """Remember that nothing names these hashes; since when each is known for it, now or an earlier time."""

    def forget_orphans(self, sha256s: Collection[str]) -> None:
        """Forget these, as something names them again or their bytes are gone."""
