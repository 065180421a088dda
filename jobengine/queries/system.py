"""Reading how the system is: its load, its health, and what keeps a job from going on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.artifacts import ArtifactStore
from jobengine.domain.interfaces.clock import Clock
from jobengine.domain.interfaces.ledger import Store
from jobengine.domain.interfaces.transport import Transport
from jobengine.domain.records import Job
from jobengine.domain.states import JobState
from jobengine.queries.ownership import own
from jobengine.verbs.dispatch import live_workers, slots_by_queue
from jobengine.verbs.explain import Explanation, explain_job

_OK = "ok"


@dataclass(frozen=True, slots=True)
class Work:
    """What the whole system has to do, and who does it, as the ledger says."""

    jobs: dict[str, int]
    enqueued: dict[str, int]
    slots: dict[str, int]
    tasks_in_flight: int
    workers: int


@dataclass(frozen=True, slots=True)
class Load:
    """How the whole system is. Without the ledger there is no ``work``, and without Redis no backlog."""

    work: Work | None
    report_backlog: int | None
    report_backlog_seconds: float | None
    health: dict[str, str]


class SystemQueries:
    """The system as a whole, whatever of it is away, and how it keeps a job from going on."""

    def __init__(self, store: Store, transport: Transport, artifacts: ArtifactStore, clock: Clock) -> None:
        self._store = store
        self._transport = transport
        self._artifacts = artifacts
        self._clock = clock

    def explain(self, owner_id: str | None, job_id: str) -> tuple[Job, list[Explanation]]:
        """Why each unfinished task of a job is where it is."""
        is_redis_up = _state(self._transport.check) == _OK
        with self._store.read() as ledger:
            job = own(owner_id, "job", job_id, ledger.jobs.fetch([job_id]))
            return job, explain_job(ledger, job, self._clock(), is_redis_up=is_redis_up)

    def load(self) -> Load:
        """The numbers that people watch, of all owners together; answers whatever is away."""
        health = self.health()
        work = self._work() if health["ledger"] == _OK else None
        backlog = self._backlog() if health["redis"] == _OK else (None, None)
        return Load(work, *backlog, health)

    def _work(self) -> Work | None:
        now = self._clock()
        try:
            with self._store.read() as ledger:
                statistics = ledger.jobs.statistics(None)
                by_owner, by_queue = ledger.tasks.count_in_flight()
                workers = live_workers(ledger.catalog.workers(), now)
        except EngineError as error:
            if error.code is not ErrorCode.UNAVAILABLE:
                raise
            return None
        jobs = {state.value: 0 for state in JobState}
        for (_, state), count in statistics.items():
            jobs[state.value] += count
        enqueued: dict[str, int] = {}
        for (queue, _), count in by_queue.items():
            enqueued[queue] = enqueued.get(queue, 0) + count
        return Work(jobs, enqueued, dict(slots_by_queue(workers, now)), sum(by_owner.values()), len(workers))

    def _backlog(self) -> tuple[int | None, float | None]:
        try:
            return self._transport.backlog(), self._transport.backlog_seconds()
        except EngineError:
            return None, None

    def health(self) -> dict[str, str]:
        """Each dependency by name: ``ok``, or what is wrong with it, for whoever runs the system: it names hosts."""
        checks = {"ledger": self._store.check, "redis": self._transport.check, "artifacts": self._artifacts.check}
        return {name: _state(check) for name, check in checks.items()}


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except EngineError as error:
        return error.message
    return _OK
