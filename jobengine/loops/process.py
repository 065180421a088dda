"""All loops in one process, from start to clean stop."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from jobengine.domain.interfaces import Store
from jobengine.engine import Engine
from jobengine.loops.dispatcher import make_dispatcher
from jobengine.loops.pruner import make_pruner
from jobengine.loops.recorder import make_recorder
from jobengine.loops.rescuer import make_rescuer

log = logging.getLogger(__name__)


def run_engine(engine: Engine, store: Store, log_level: str) -> None:
    """Run dispatcher, recorder, rescuer and pruner until SIGTERM or SIGINT; each finishes its round.

    Raises EngineError(CONFLICT) when the ledger allows one engine and another one runs.
    """
    logging.basicConfig(level=log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    with store.claim_engine():
        loops = [make(engine, stop) for make in (make_dispatcher, make_recorder, make_rescuer, make_pruner)]
        for loop in loops:
            loop.start()
        log.info("the engine runs")
        stop.wait()
        for loop in loops:
            loop.join()
        log.info("the engine has stopped")
