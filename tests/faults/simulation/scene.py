"""What one run shares: clock, chance, ledger, broker, artifacts, and what is remembered for the checks."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from random import Random

from jobengine.config import Settings
from jobengine.domain.ids import IdSource
from jobengine.transport.memory import MemoryTransport
from tests.faults.simulation.artifacts import MemoryArtifacts
from tests.faults.simulation.catalog import CONTENTS, Nature, draw_nature
from tests.faults.simulation.clockwork import Clockwork, Host, Process, ProcessDied
from tests.faults.simulation.faults import CALM, Blow, Faults, OneBlow, draw_faults
from tests.faults.simulation.ledger import Fate, WatchedLedger, refused, watched_ledger


@dataclass(slots=True)
class Accepted:
    """A job that a client was told it has."""

    job_id: str
    is_canceled: bool = False
    is_deleted: bool = False


class Scene:
    """The stage of one seed; with one blow, nothing else goes wrong."""

    def __init__(self, seed: int, one_blow: OneBlow | None = None) -> None:
        self.random = Random(seed)
        self.faults: Faults = CALM if one_blow else draw_faults(self.random)
        self.one_blow = one_blow or OneBlow()
        self._draw_nature = (lambda _: Nature.GOOD) if one_blow else draw_nature
        self.clockwork = Clockwork(self.random)
        self.ledger: WatchedLedger = watched_ledger()
        self.ledger.reset()
        self.redis = Host()
        self.broker = MemoryTransport(lambda: self.clockwork.now + self.redis.clock_error)
        self.artifacts = MemoryArtifacts(self.clockwork)
        for content in CONTENTS:
            self.artifacts.put(io.BytesIO(content))
        self.settings = Settings(
            # Some runs send what tasks need as manifests, and some delete what has ended.
            inline_limit_bytes=self.random.choice((64 * 1024, 200)),
            job_retention_days=self.random.choice((0.0, 0.0, 0.0, 0.0, 0.0, 40 / 86_400)),
            record_batch=self.random.choice((500, 3)),
            window_seconds=self.random.choice((1.0, 10.0)),
        )
        self.hosts: dict[str, Host] = {}
        self.natures: dict[str, Nature] = {}
        self.deaths: Counter[str] = Counter()
        """How often a process died that had the task in its delivery."""
        self.accepted: dict[str, Accepted] = {}
        self.violations: list[str] = []

    def chance(self, likely: float) -> bool:
        """Whether something happens."""
        return likely > 0 and self.random.random() < likely

    def host(self, name: str) -> Host:
        """The machine of that name."""
        return self.hosts.setdefault(name, Host())

    def process(self, name: str, host: str | None = None) -> Process:
        """A new process on a host, one of its own name unless another is named."""
        return Process(self.clockwork, name, self.host(host or name))

    def ids(self, process: Process) -> IdSource:
        """The source of IDs of a process."""
        return IdSource(process.clock, self.random.getrandbits)

    def nature(self, task_id: str) -> Nature:
        """What the task is like."""
        if task_id not in self.natures:
            self.natures[task_id] = self._draw_nature(self.random)
        return self.natures[task_id]

    def blame(self, words: str) -> None:
        """Something happened that never may."""
        self.clockwork.note(f"VIOLATION {words}")
        self.violations.append(words)

    def calm_down(self) -> None:
        """From now on nothing goes wrong, and what went wrong with clocks and Redis is mended."""
        self.clockwork.note("calm")
        self.faults = CALM
        self.broker.is_down = False
        for host in (self.redis, *self.hosts.values()):
            host.clock_error = 0.0
            host.still_until = self.clockwork.now


@dataclass(slots=True)
class OutsideCalls:
    """What can happen around each call of one process to ledger, transport or artifact store."""

    scene: Scene
    process: Process
    can_die: bool = True

    def before(self, what: str) -> None:
        """Others go on first; the call may be refused, and the process may die before it."""
        scene, faults = self.scene, self.scene.faults
        self.process.pause(self._latency(faults))
        self._survive(faults)
        if scene.chance(faults.call_refused):
            scene.clockwork.note(f"{self.process.name}: {what} is refused")
            raise refused(what)
        self.within(what)

    def within(self, what: str) -> None:
        """A call that no other thread goes on before, as it is made in a transaction, or is the next thing done."""
        self.scene.one_blow.calls.append(what)
        self._meet(Blow.REFUSED, what)

    def after(self, what: str) -> None:
        """It is done; the process may die before it knows, or hear of a failure."""
        scene, faults = self.scene, self.scene.faults
        self._meet(Blow.CRASH, what)
        self._meet(Blow.UNANSWERED, what)
        self._survive(faults)
        self.process.pause(self._latency(faults))
        if scene.chance(faults.answer_lost):
            scene.clockwork.note(f"{self.process.name}: the answer of {what} is lost")
            raise refused(what)
        scene.clockwork.note(f"{self.process.name}: {what}")

    def fate(self) -> Fate:
        """What becomes of a transaction."""
        faults = self.scene.faults
        fails_early = self.scene.chance(20 * faults.statement_fails)
        statements = self.scene.random.randrange(20) if fails_early else -1
        return Fate(statements, self.scene.chance(faults.commit_fails))

    def _meet(self, blow: Blow, what: str) -> None:
        if not self.scene.one_blow.falls(blow):
            return
        self.scene.clockwork.note(f"{self.process.name}: BLOW {what}: {blow.value}")
        # A web server keeps nothing from request to request: of its death a client sees a broken connection.
        if blow is Blow.CRASH and self.can_die:
            self.process.die()
            raise ProcessDied
        raise refused(what)

    def _latency(self, faults: Faults) -> float:
        if self.scene.chance(faults.engine_stalls):
            return self.scene.random.uniform(1.0, 20.0)
        return self.scene.random.random() * 0.02

    def _survive(self, faults: Faults) -> None:
        if self.can_die and self.scene.chance(faults.engine_dies):
            self.process.die()
            raise ProcessDied
