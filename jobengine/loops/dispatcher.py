"""The dispatcher: sends ready tasks to the workers."""

from __future__ import annotations

import threading

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

IDLE_SECONDS = 0.05


def make_dispatcher(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.dispatch``."""
    return Loop("dispatcher", engine.dispatch, IDLE_SECONDS, stop)
