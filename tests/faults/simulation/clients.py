"""Clients: they submit until they are answered, and some of them cancel, retry or delete what they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.engine import Engine
from jobengine.verbs.requests import JobRequest
from tests.faults.simulation.catalog import OWNERS, make_files
from tests.faults.simulation.clockwork import START
from tests.faults.simulation.scene import Accepted, Scene

Answer = TypeVar("Answer")
Plan = Callable[["Client"], None]

_PIPELINES = ("cells", "cells", "strict", "short", "short")
_UNFINISHED = "SELECT 1 FROM tasks WHERE job_id = ? AND state NOT IN ('succeeded', 'failed', 'canceled')"
_STATE = "SELECT state FROM jobs WHERE id = ?"
_FINAL = ("succeeded", "failed", "canceled")


class Client:
    """Somebody with an owner's key, and a plan."""

    def __init__(self, scene: Scene, number: int, engine: Engine, plan: Plan | None = None) -> None:
        self._scene = scene
        self._random = scene.random
        self._engine = engine
        self._plan = plan or Client._improvise
        self.owner_id = OWNERS[number % len(OWNERS)]
        self.file_ids = [file.id for file in make_files(self.owner_id, START)]
        self.has_done = False
        """Whether the plan is carried out."""
        self._name = f"client {number}"
        scene.clockwork.spawn(self._run, scene.random.uniform(0.0, 10.0))

    def _run(self) -> None:
        self._plan(self)
        self.has_done = True

    def _improvise(self) -> None:
        """A plan that chance makes up."""
        chosen = self._random.sample(self.file_ids, self._random.choice((1, 1, 2, 3, 6)))
        pipeline = self._random.choice(_PIPELINES)
        priority = self._random.choice((5, 5, 8))
        job = self.submit(JobRequest(self.owner_id, pipeline, tuple(chosen), priority=priority))
        self.pause(self._random.expovariate(0.3))
        match self._random.choice(("wait", "wait", "cancel", "cancel", "retry", "delete", "child")):
            case "cancel":
                self.cancel(job)
                if self._random.random() < 0.5:
                    self.retry(job)
            case "retry":
                self.retry(job)
            case "delete":
                self.delete(job)
            case "child" if pipeline == "cells":
                if self.wait(job):
                    self.submit(JobRequest(self.owner_id, "masks", tuple(chosen), parent_id=job.job_id))

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        self._scene.clockwork.pause(seconds)

    def cut_off(self, host: str, seconds: float) -> None:
        """Pull the cable of a machine, and put it back after a while."""
        machine = self._scene.host(host)
        machine.is_cut_off = True
        self._scene.clockwork.note(f"{host} is cut off")
        self.pause(seconds)
        machine.is_cut_off = False
        self._scene.clockwork.note(f"{host} is back")

    def submit(self, request: JobRequest) -> Accepted:
        """With a key, a client that was not answered asks again and gets the same job."""
        key = f"{self._name} {self._random.random()}"
        submission = self._insist(
            lambda: self._engine.submit_many([request], idempotency_key=key, body_digest=request.pipeline)
        )
        assert submission is not None, f"{request} is refused"
        (job_id,) = submission.job_ids
        return self._accept(job_id)

    def _accept(self, job_id: str) -> Accepted:
        self._scene.clockwork.note(f"{self._name}: has {job_id}")
        return self._scene.accepted.setdefault(job_id, Accepted(job_id))

    def cancel(self, job: Accepted) -> None:
        """Cancel the job; from the answer on none of its tasks may be open."""
        self._insist(lambda: self._engine.cancel(self.owner_id, [job.job_id]))
        self._scene.clockwork.note(f"{self._name}: canceled {job.job_id}")
        if self._scene.ledger.has(_UNFINISHED, job.job_id):
            self._scene.blame(f"the job {job.job_id} was canceled and goes on")

    def retry(self, job: Accepted) -> None:
        """Wait for the end of the job, and have it done again."""
        if self.wait(job):
            again = self._insist(lambda: self._engine.retry(self.owner_id, job.job_id))
            if again is not None:
                self._accept(again.id)

    def delete(self, job: Accepted) -> None:
        """Delete the job; from the answer on it may not be there."""
        job.is_deleted = True
        self._insist(lambda: self._engine.delete(self.owner_id, [job.job_id]))
        self._scene.clockwork.note(f"{self._name}: deleted {job.job_id}")
        if self._scene.ledger.has(_STATE, job.job_id):
            self._scene.blame(f"the job {job.job_id} was deleted and is there")

    def wait(self, job: Accepted) -> bool:
        """Wait for the end of a job; whether it is still there then."""
        while found := self._scene.ledger.ask(_STATE, job.job_id):
            if found[0][0] in _FINAL:
                return True
            self.pause(1.0)
        return False

    def _insist(self, ask: Callable[[], Answer]) -> Answer | None:
        """Ask until there is an answer; None for a refusal."""
        while True:
            try:
                return ask()
            except EngineError as error:
                if error.code is not ErrorCode.UNAVAILABLE:
                    self._scene.clockwork.note(f"{self._name}: is refused: {error}")
                    return None
            self.pause(self._random.uniform(0.1, 2.0))
