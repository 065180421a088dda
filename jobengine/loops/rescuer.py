"""The rescuer: finds tasks whose worker or message is gone."""

from __future__ import annotations

import threading

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

IDLE_SECONDS = 1.0


def make_rescuer(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.rescue``."""
    return Loop("rescuer", engine.rescue, IDLE_SECONDS, stop)
