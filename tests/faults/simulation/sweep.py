"""Nothing goes wrong in a run but one thing, at one call to the outside: at each call in turn.

A small scene is played once to count its calls, and once more for each of them. Up to the blow every one of these runs
is the same as the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobengine.engine import Engine
from jobengine.verbs.requests import JobRequest
from tests.faults.simulation.checks import check_scene
from tests.faults.simulation.clients import Client, Plan
from tests.faults.simulation.clockwork import START
from tests.faults.simulation.engines import EngineProcess, make_engine
from tests.faults.simulation.faults import Blow, OneBlow
from tests.faults.simulation.run import UNFINISHED, Outcome, run_scene
from tests.faults.simulation.scene import Scene
from tests.faults.simulation.workers import WorkerProcess

_SEED = 12
"""In this one what tasks need travels in manifests; no task fails by its nature."""

_LONGEST_SECONDS = 600.0
_AFTERWARDS_SECONDS = 10.0
"""How long it goes on when all is done: what was late is recorded, and the pruner comes by."""

_CUT_OFF_SECONDS = 25.0
"""Longer than a lease with the rounds of rescuer and dispatcher after it."""

_WITHOUT_EFFECT = ("read", "write", "statement", "end of a read", "entries")
"""Calls after which nothing is different outside: a blow after one is the same as one to the next."""


def sweep(plan: Plan, blow: Blow) -> Iterator[tuple[OneBlow, Outcome]]:
    """A run for each call that the blow can fall on."""
    rehearsal = OneBlow()
    play(plan, rehearsal)
    for number, what in enumerate(rehearsal.calls, 1):
        if blow is Blow.REFUSED or what not in _WITHOUT_EFFECT:
            one_blow = OneBlow(blow, number)
            yield one_blow, play(plan, one_blow)


def play(plan: Plan, one_blow: OneBlow) -> Outcome:
    """One client carries out its plan with one engine and one worker."""
    return run_scene(Scene(_SEED, one_blow), _SEED, lambda scene: _play(scene, plan))


def _play(scene: Scene, plan: Plan) -> None:
    EngineProcess(scene, "engine", Engine)
    WorkerProcess(scene, "worker")
    web = make_engine(scene, scene.process("web"), Engine, can_die=False)
    client = Client(scene, 0, web, plan)

    def is_lost() -> bool:
        return bool(scene.violations)

    def has_ended() -> bool:
        return is_lost() or (client.has_done and not scene.ledger.has(UNFINISHED))

    scene.clockwork.run(START + _LONGEST_SECONDS, has_ended)
    scene.clockwork.run(scene.clockwork.now + _AFTERWARDS_SECONDS, is_lost)
    if not client.has_done:
        scene.blame("the client never came to the end of its plan")
    for sentence in () if is_lost() else check_scene(scene):
        scene.blame(sentence)


def is_done(client: Client) -> None:
    """A job with two steps on its file and one on the job."""
    client.submit(JobRequest(client.owner_id, "cells", tuple(client.file_ids[:1])))


def is_canceled_and_done_again(client: Client) -> None:
    """A job that is canceled while it runs, and another in its place."""
    job = client.submit(JobRequest(client.owner_id, "short", tuple(client.file_ids[:2])))
    client.pause(1.5)
    client.cancel(job)
    client.retry(job)


def is_deleted(client: Client) -> None:
    """A job that is deleted while it runs."""
    job = client.submit(JobRequest(client.owner_id, "short", tuple(client.file_ids[:2])))
    client.pause(1.5)
    client.delete(job)


def is_done_again_while_its_worker_is_cut_off(client: Client) -> None:
    """A job whose worker says how the first attempt ended when the second is on its way."""
    client.submit(JobRequest(client.owner_id, "short", tuple(client.file_ids[:1])))
    client.pause(1.5)
    client.cut_off("worker", _CUT_OFF_SECONDS)


PLANS: tuple[Plan, ...] = (
    is_done,
    is_canceled_and_done_again,
    is_deleted,
    is_done_again_while_its_worker_is_cut_off,
)
