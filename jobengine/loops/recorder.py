"""The recorder: takes what workers report into the ledger."""

from __future__ import annotations

import threading

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

WAIT_SECONDS = 0.5
"""How long one round waits for the first report; also how long a stop may take."""

IDLE_SECONDS = 0.0


def make_recorder(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.record``."""
    return Loop("recorder", lambda: engine.record(WAIT_SECONDS), IDLE_SECONDS, stop)
