"""Signed, expiring tokens: who has one may download one artifact without a key."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from jobengine.config import Settings
from jobengine.domain.errors import EngineError, ErrorCode, invalid
from jobengine.domain.interfaces.clock import Clock


class UrlSigner:
    """Signs an artifact's ID together with the end of its validity (HMAC, compared in constant time)."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._serializer = URLSafeSerializer(secret, salt="artifact")
        self._clock = clock

    def sign(self, artifact_id: str, lifetime_seconds: float) -> str:
        """A token for the artifact."""
        return str(self._serializer.dumps([artifact_id, int(self._clock() + lifetime_seconds)]))

    def verify(self, token: str, artifact_id: str) -> None:
        """Raises EngineError(FORBIDDEN) unless the token is ours, for this artifact, and still valid."""
        try:
            signed_id, expires_at = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise EngineError(ErrorCode.FORBIDDEN, "The signature of this address is not valid.") from None
        if signed_id != artifact_id:
            raise EngineError(ErrorCode.FORBIDDEN, "The signature of this address is not valid.")
        if self._clock() > expires_at:
            raise EngineError(ErrorCode.FORBIDDEN, "This address has expired; ask for the job again to get a new one.")


def load_secret(settings: Settings) -> str:
    """The secret of the installation: as set, or made once and kept in the data folder, readable by its owner only.

    Raises EngineError(INVALID) for an empty one, with which anybody could sign.
    """
    if settings.secret_key:
        return settings.secret_key
    path = Path(settings.data_dir) / "secret.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make_secret(path)
    secret = path.read_text()
    if not secret:
        raise invalid(f"{path} is empty; remove it, and a new one is made.", "JOBENGINE_SECRET_KEY")
    return secret


def _make_secret(path: Path) -> None:
    """Write a secret that is seen when it is whole; where another process was quicker, its own stays."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(secrets.token_urlsafe(48))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
