"""The recorder: takes what workers report into the ledger."""

from __future__ import annotations

import threading
import time

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

WAIT_SECONDS = 0.5
"""How long one round waits for the first report; also how long a stop may take."""

SHORTEST_SECONDS = 0.02
"""How long a round takes at least, so that reports gather: one transaction for many costs little more than for one."""


def make_recorder(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.record``."""

    def record() -> int:
        began = time.monotonic()
        found = engine.record(WAIT_SECONDS)
        stop.wait(max(0.0, began + SHORTEST_SECONDS - time.monotonic()))
        return found

    return Loop("recorder", record, 0.0, stop)
