"""Bytes by SHA-256: what is stored where an address says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from jobengine.artifacts.directory import DirectoryStore
from jobengine.domain.errors import invalid
from jobengine.domain.interfaces.artifacts import ArtifactStore

_VARIABLE = "JOBENGINE_ARTIFACTS_URL"
_OPTIONS = {"endpoint", "region", "public_endpoint"}


def open_artifact_store(url: str) -> ArtifactStore:
    """The store behind an address: ``file:///var/lib/jobengine/artifacts`` or ``s3://bucket/prefix``.

    That of a bucket may name ``?endpoint=http://host:port``, ``&region=…`` and ``&public_endpoint=…``: where users
    reach the bucket themselves, downloads are sent there. Raises EngineError(INVALID) for an address of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return DirectoryStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _open_bucket(parts.netloc, parts.path.strip("/"), parse_qs(parts.query))
    raise invalid(f"Artifacts cannot be stored at {url!r}; use file:///path or s3://bucket/prefix.", _VARIABLE)


def _open_bucket(bucket: str, prefix: str, options: dict[str, list[str]]) -> ArtifactStore:
    try:
        from jobengine.artifacts.s3 import S3ArtifactStore
    except ImportError:
        raise invalid("To store artifacts in S3, install jobengine[s3].", _VARIABLE) from None
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise invalid(f"There is no option {unknown[0]!r}; use {', '.join(sorted(_OPTIONS))}.", _VARIABLE)
    given = {name: values[0] for name, values in options.items()}
    public = given.get("public_endpoint", "https://")
    if not public.startswith(("http://", "https://")):
        raise invalid(f"The public_endpoint {public!r} is no address; it begins with https://.", _VARIABLE)
    return S3ArtifactStore(bucket, prefix, **given)
