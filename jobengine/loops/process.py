"""All loops in one process, from start to clean stop."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from collections.abc import Sequence
from types import FrameType

from jobengine.alive import BEAT_SECONDS, Heartbeat
from jobengine.domain.interfaces.ledger import Store
from jobengine.engine import Engine
from jobengine.loops.dispatcher import make_dispatcher
from jobengine.loops.loop import Loop
from jobengine.loops.pruner import make_pruner
from jobengine.loops.recorder import make_recorder
from jobengine.loops.rescuer import make_rescuer

log = logging.getLogger(__name__)

STUCK_SECONDS = 600.0
"""How long a round may take before the engine is taken for hanging; no statement of ours takes as long."""


def run_engine(engine: Engine, store: Store, log_level: str, heartbeat: Heartbeat) -> None:
    """Run dispatcher, recorder, rescuer and pruner until SIGTERM or SIGINT; each finishes its round.

    The heart beats for as long as all of them go round, whether ledger and Redis answer or not.

    Raises EngineError(CONFLICT) when the ledger allows one engine and another one runs.
    """
    logging.basicConfig(level=log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    _calm_garbage_collection()
    with store.claim_engine():
        loops = [make(engine, stop) for make in (make_dispatcher, make_recorder, make_rescuer, make_pruner)]
        for loop in loops:
            loop.start()
        log.info("the engine runs")
        beat_until(stop, loops, heartbeat)
        for loop in loops:
            loop.join()
        log.info("the engine has stopped")


def beat_until(
    stop: threading.Event, loops: Sequence[Loop], heartbeat: Heartbeat, stuck_seconds: float = STUCK_SECONDS
) -> None:
    """Touch the file again and again until the stop event is set; not while a loop is stuck."""
    is_over = False
    while not is_over:
        stuck = [loop.name for loop in loops if loop.is_stuck(stuck_seconds)]
        if stuck:
            log.error("the %s hangs", " and the ".join(stuck))
        else:
            heartbeat.beat()
        is_over = stop.wait(BEAT_SECONDS)


def _calm_garbage_collection() -> None:
    # A round makes tens of thousands of records and lets go of all of them. With Python's thresholds the collector
    # would look at them again and again in vain; what reference counts do not free is little.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
