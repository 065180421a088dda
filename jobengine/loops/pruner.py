"""The pruner: deletes what has outlived its retention."""

from __future__ import annotations

import threading

from jobengine.engine import Engine
from jobengine.loops.loop import Loop

IDLE_SECONDS = 60.0


def make_pruner(engine: Engine, stop: threading.Event) -> Loop:
    """The loop around ``Engine.prune``."""
    return Loop("pruner", engine.prune, IDLE_SECONDS, stop)
