"""Engine processes: the four loops on real verbs, and a new life after each death."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.engine import Engine
from jobengine.verbs.outside import Outside
from tests.faults.simulation.artifacts import FaultyArtifacts
from tests.faults.simulation.broker import FaultyTransport
from tests.faults.simulation.clockwork import Process
from tests.faults.simulation.ledger import FaultyStore
from tests.faults.simulation.scene import OutsideCalls, Scene

MakeEngine = Callable[[Outside], Engine]

_READY = "SELECT 1 FROM tasks WHERE state = 'ready' LIMIT 1"
_FLYING = "SELECT 1 FROM tasks WHERE state IN ('enqueued', 'running') LIMIT 1"
_FINAL = "SELECT 1 FROM jobs WHERE finished_at IS NOT NULL LIMIT 1"


def make_engine(scene: Scene, process: Process, make: MakeEngine, *, can_die: bool) -> Engine:
    """An engine on the outside of this run."""
    calls = OutsideCalls(scene, process, can_die)
    outside = Outside(
        store=FaultyStore(scene.ledger, calls),
        transport=FaultyTransport(scene, calls),
        artifacts=FaultyArtifacts(scene.artifacts, calls),
        clock=process.clock,
        ids=scene.ids(process),
        settings=scene.settings,
    )
    return make(outside)


class EngineProcess:
    """An engine that is started again whenever it died."""

    def __init__(self, scene: Scene, name: str, make: MakeEngine) -> None:
        self._scene = scene
        self._name = name
        self._make = make
        self._start()
        scene.clockwork.spawn(self._keep)

    def _start(self) -> None:
        scene = self._scene
        self._process = scene.process(self._name)
        engine = make_engine(scene, self._process, self._make, can_die=True)
        # A verb that would find nothing is passed over: it only costs time.
        self._loop("dispatch", engine.dispatch, 1.0, lambda: scene.ledger.has(_READY))
        self._loop("record", engine.record, 0.8, self._has_reports)
        self._loop("rescue", engine.rescue, 4.0, lambda: scene.ledger.has(_FLYING))
        self._loop("prune", engine.prune, 20.0, lambda: scene.ledger.has(_FINAL))

    def _keep(self) -> None:
        clockwork = self._scene.clockwork
        while True:
            clockwork.pause(1.0)
            if not self._process.is_alive:
                clockwork.pause(self._scene.random.uniform(0.0, 4.0))
                self._start()

    def _has_reports(self) -> bool:
        return self._scene.broker.is_down or self._scene.broker.backlog() > 0

    def _loop(self, name: str, verb: Callable[[], int], seconds: float, is_needed: Callable[[], bool]) -> None:
        process, random = self._process, self._scene.random

        def run() -> None:
            while True:
                process.pause(random.uniform(0.1, 1.0) * seconds)
                while is_needed() and self._round(name, verb):
                    pass

        process.spawn(run)

    def _round(self, name: str, verb: Callable[[], int]) -> int:
        try:
            return verb()
        except EngineError as error:
            if error.code is not ErrorCode.UNAVAILABLE:
                self._scene.blame(f"{name} was refused something: {error}")
        except Exception:  # noqa: BLE001 - any other is a finding
            self._scene.blame(f"{name} broke: {traceback.format_exc()}")
        self._process.pause(self._scene.random.uniform(0.1, 1.0))
        return 0
