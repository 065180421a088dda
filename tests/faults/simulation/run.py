"""One seed from its start to rest, and what was found."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from jobengine.engine import Engine
from tests.faults.simulation.broker import LATEST_SECONDS
from tests.faults.simulation.checks import check_meanwhile, check_scene
from tests.faults.simulation.clients import Client
from tests.faults.simulation.clockwork import START
from tests.faults.simulation.engines import EngineProcess, MakeEngine, make_engine
from tests.faults.simulation.scene import Scene
from tests.faults.simulation.workers import WorkerProcess

TROUBLE_SECONDS = 60.0
"""How long things go wrong."""

REST_SECONDS = 1500.0
"""How long after that everything must have ended; the engine's longest pause before another try is 128 seconds."""

UNFINISHED = "SELECT 1 FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'canceled') LIMIT 1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed; the digest stands for the whole trace."""

    seed: int
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    jobs: int
    tasks: int
    attempts: int

    @property
    def digest(self) -> str:
        """The same for the same trace, and for no other."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def without_trace(self) -> Outcome:
        """The outcome alone, to be handed on."""
        return replace(self, trace=())


def run_seed(seed: int, make: MakeEngine = Engine) -> Outcome:
    """Run a seed; ``make`` builds the engines, so that a test can plant a bug in them."""
    return run_scene(Scene(seed), seed, lambda scene: _play(scene, make))


def run_scene(scene: Scene, seed: int, play: Callable[[Scene], None]) -> Outcome:
    """Let a scene that is set up from this seed be played, and watch it."""
    log = _ErrorLog(scene.blame)
    logging.getLogger("jobengine").addHandler(log)
    try:
        play(scene)
    finally:
        scene.clockwork.stop()
        logging.getLogger("jobengine").removeHandler(log)
    return _outcome(scene, seed)


def _play(scene: Scene, make: MakeEngine) -> None:
    random = scene.random
    for number in range(random.choice((1, 1, 2))):
        EngineProcess(scene, f"engine{number}", make)
    for number in range(random.choice((1, 2, 3))):
        WorkerProcess(scene, f"worker{number}")
    web = make_engine(scene, scene.process("web"), make, can_die=False)
    # Few jobs of few files: more seeds of such find more in the same time than fewer crowded ones.
    for number in range(random.choice((1, 1, 2, 3))):
        Client(scene, number, web)
    _plan_redis(scene)
    _plan_clocks(scene)
    _run_to_rest(scene)


def _run_to_rest(scene: Scene) -> None:
    """Through the trouble and the calm after it, up to the first thing that never may be."""
    clockwork, deadline = scene.clockwork, START + TROUBLE_SECONDS + REST_SECONDS

    def is_lost() -> bool:
        return bool(scene.violations)

    def has_ended() -> bool:
        return is_lost() or not scene.ledger.has(UNFINISHED)

    clockwork.run(START + scene.random.uniform(1.0, TROUBLE_SECONDS), is_lost)
    for sentence in check_meanwhile(scene):
        scene.blame(sentence)
    clockwork.run(START + TROUBLE_SECONDS, is_lost)
    scene.calm_down()
    clockwork.run(deadline, has_ended)
    # What was late arrives, and clients that waited ask for more.
    clockwork.run(clockwork.now + LATEST_SECONDS, is_lost)
    clockwork.run(deadline, has_ended)
    for sentence in () if is_lost() else check_scene(scene):
        scene.blame(sentence)


def _plan_redis(scene: Scene) -> None:
    faults, broker, random = scene.faults, scene.broker, scene.random

    def go_away() -> None:
        scene.clockwork.note("Redis is away")
        broker.is_down = True
        scene.clockwork.pause(random.uniform(0.5, 25.0))
        broker.is_down = False

    def roll_back() -> None:
        broker.remember()
        scene.clockwork.pause(random.uniform(0.1, 3.0))
        scene.clockwork.note("Redis lost its last writes")
        broker.roll_back()

    def empty() -> None:
        scene.clockwork.note("Redis is empty")
        broker.lose_everything()

    _plan(scene, faults.redis_away, go_away)
    _plan(scene, faults.redis_rolled_back, roll_back)
    _plan(scene, faults.redis_emptied, empty)


def _plan_clocks(scene: Scene) -> None:
    def jump() -> None:
        host = scene.random.choice([scene.redis, *scene.hosts.values()])
        before, host.clock_error = host.clock_error, scene.random.uniform(-90.0, 90.0)
        scene.clockwork.note(f"a clock jumps by {host.clock_error - before:.3f}")
        # Somebody keeps the clocks in order: one that is wrong is set right soon.
        scene.clockwork.pause(scene.random.uniform(0.5, 10.0))
        host.clock_error = 0.0

    _plan(scene, scene.faults.clock_jumps, jump)


def _plan(scene: Scene, times: float, act: Callable[[], None]) -> None:
    count = int(times) + scene.chance(times % 1.0)
    for _ in range(count):
        scene.clockwork.spawn(act, scene.random.uniform(0.0, TROUBLE_SECONDS))


def _outcome(scene: Scene, seed: int) -> Outcome:
    jobs, tasks, attempts = (
        scene.ledger.ask(f"SELECT count(*) FROM {table}")[0][0] for table in ("jobs", "tasks", "attempts")
    )
    return Outcome(seed, tuple(scene.violations), tuple(scene.clockwork.trace), jobs, tasks, attempts)


class _ErrorLog(logging.Handler):
    """What the engine logs as an error never may be, whoever caught it."""

    def __init__(self, blame: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._blame = blame

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text = f"{text} {record.exc_info[1]!r}"
        self._blame(f"logged: {text}")
