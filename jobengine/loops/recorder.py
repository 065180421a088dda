"""The recorder: takes what workers report into the ledger."""

from __future__ import annotations

import threading

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

WAIT_SECONDS = 0.5
"""How long one round waits for the first report; also how long a stop may take."""

BREATH_SECONDS = 0.02
"""A pause after each round, in which reports gather: one transaction for many costs little more than one for one."""


def make_recorder(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.record``."""

    def record() -> int:
        found = engine.record(WAIT_SECONDS)
        stop.wait(BREATH_SECONDS if found else 0.0)
        return found

    return Loop("recorder", record, 0.0, stop)
