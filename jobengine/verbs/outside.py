"""Everything outside of the engine that a verb may touch, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from jobengine.config import Settings
from jobengine.domain.ids import IdSource
from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.interfaces.transport import Transport


@dataclass(frozen=True, slots=True)
class Outside:
    """Ledger, transport, artifact store, clock and identity; picked by ``jobengine.build`` or by a test."""

    store: Store
    transport: Transport
    artifacts: ArtifactStore
    clock: Clock
    ids: IdSource
    settings: Settings
