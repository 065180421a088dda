"""Addresses of artifacts, as every surface gives them."""

from __future__ import annotations

from api.parts import parts
from jobengine.domain.records import Artifact


def artifact_url(artifact: Artifact) -> str:
    """An address of the artifact's bytes that works without a key until it expires."""
    settings = parts().outside.settings
    token = parts().signer.sign(artifact.id, settings.url_lifetime_seconds)
    return f"{settings.public_url}/api/v1/artifacts/{artifact.id}/content?token={token}"
