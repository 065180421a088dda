"""Bytes by SHA-256: what is stored where an address says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from jobengine.artifacts.directory import DirectoryStore
from jobengine.domain.errors import invalid
from jobengine.domain.interfaces import ArtifactStore


def open_artifact_store(url: str) -> ArtifactStore:
    """The store behind an address: ``file:///var/lib/jobengine/artifacts``.

    Raises EngineError(INVALID) for an address of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return DirectoryStore(Path(unquote(parts.path)))
    raise invalid(
        f"Artifacts cannot be stored at {url!r}; use an address like file:///path.", "JOBENGINE_ARTIFACTS_URL"
    )
