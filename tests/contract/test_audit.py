"""The audit finds nothing in a system that is well, on every ledger, and every kind of damage that is planted."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from jobengine.domain.audit import Difference, Invariant
from jobengine.domain.records import Job, Task
from jobengine.domain.reports import Delivery, DeliveryTask, ReportKind
from jobengine.domain.states import TaskState
from jobengine.store import SqlStore
from jobengine.verbs.auditing import SLACK_SECONDS, TICKET_SECONDS
from tests.contract.ledgers import on_shared_ledgers
from tests.unit.engine.world import OWNER, World

TABLE = b"a,b\n1,2\n"


@dataclass(slots=True)
class Scene:
    """A job that has ended, one that is under way, and the tasks that damage is done to."""

    world: World
    done_job: Job
    open_job: Job
    done: Task
    running: Task
    enqueued: Task
    waiting: Task

    def damage(self, statement: str) -> None:
        """Do what no verb would do; the names of the tasks and jobs can be used as parameters."""
        names = ("done_job", "open_job", "done", "running", "enqueued", "waiting")
        given = {name: getattr(self, name).id for name in names if f":{name}" in statement}
        with self.world.store._database.begin() as connection:
            assert connection.execute(text(statement), given).rowcount > 0

    def audit(self, *, with_hashes: bool = False) -> list[Difference]:
        """What the audit finds now."""
        return self.world.engine.audit(with_hashes=with_hashes)


@pytest.fixture
def scene(store: SqlStore) -> Scene:
    """A system at work, with an artifact and a log."""
    world = World(store)
    done_job = world.submit("cells", files=2, labels={"plate": "7"})
    _store_files(world)
    while deliveries := world.take():
        for delivery in deliveries:
            for task in delivery.tasks:
                _succeed(world, delivery, task)
        world.engine.record()
    open_job = world.submit("cells", files=3)
    _store_files(world)
    first, *_ = world.take()
    world.say(ReportKind.STARTED, first, first.tasks[0])
    world.engine.record()
    by_state: dict[TaskState, Task] = {}
    for task in world.tasks(open_job):
        by_state.setdefault(task.state, task)
    return Scene(
        world,
        world.job(done_job),
        world.job(open_job),
        world.tasks(done_job)[0],
        by_state[TaskState.RUNNING],
        by_state.get(TaskState.ENQUEUED, by_state[TaskState.RUNNING]),
        by_state[TaskState.WAITING],
    )


def _succeed(world: World, delivery: Delivery, task: DeliveryTask) -> None:
    world.say(ReportKind.STARTED, delivery, task)
    world.say(ReportKind.LOGGED, delivery, task, text="half way")
    stored = world.artifacts.put(io.BytesIO(TABLE))
    saved = {"name": "t.csv", "media_type": "text/csv", "size_bytes": stored.size_bytes, "sha256": stored.sha256}
    world.say(ReportKind.SUCCEEDED, delivery, task, result={"of": task.task_id}, artifacts=[saved])


def _store_files(world: World) -> None:
    """The bytes of the files, which the world only names."""
    for number in range(3):
        world.artifacts.contents[f"{number:064x}"] = b"abc"


@on_shared_ledgers
def test_nothing_is_found_in_a_system_at_work(scene: Scene) -> None:
    assert scene.enqueued.state is TaskState.ENQUEUED
    assert scene.audit() == []


@on_shared_ledgers
def test_nothing_is_found_when_jobs_have_failed_were_canceled_and_retried(store: SqlStore) -> None:
    world = World(store)
    _store_files(world)
    failing = world.submit("cells", files=3)
    bad = world.tasks(failing)[0].id
    world.finish(lambda delivery, task: {"kind": "step", "message": "no"} if task.task_id == bad else None)
    assert world.engine.audit() == []
    again = world.engine.retry(OWNER, failing.id)
    canceled = world.submit("strict", files=2)
    world.engine.cancel(OWNER, [canceled.id])
    assert world.engine.audit() == []
    world.finish()
    assert {world.job(again).state.value, world.job(canceled).state.value} == {"succeeded", "canceled"}
    assert world.engine.audit() == []


DAMAGES = {
    "no accepted attempt": (Invariant.ATTEMPTS, "done", "DELETE FROM attempts WHERE task_id = :done"),
    "another outcome": (Invariant.ATTEMPTS, "done", "UPDATE attempts SET outcome = 'lost' WHERE task_id = :done"),
    "another attempt": (Invariant.ATTEMPTS, "done", "UPDATE attempts SET number = 7 WHERE task_id = :done"),
    "accepted before its end": (
        Invariant.ATTEMPTS,
        "running",
        "UPDATE attempts SET task_id = :running WHERE task_id = :done",
    ),
    "no result": (Invariant.RESULTS, "done", "DELETE FROM results WHERE task_id = :done"),
    "a result too early": (Invariant.RESULTS, "", "UPDATE results SET task_id = :running WHERE task_id = :done"),
    "a result elsewhere": (Invariant.RESULTS, "", "UPDATE results SET job_id = :open_job WHERE task_id = :done"),
    "a result of a step": (Invariant.RESULTS, "", "UPDATE results SET step = 'other' WHERE task_id = :done"),
    "an artifact elsewhere": (Invariant.RESULTS, "", "UPDATE artifacts SET task_id = :running WHERE task_id = :done"),
    "no lease": (Invariant.LEASES, "running", "UPDATE tasks SET lease_expires_at = NULL WHERE id = :running"),
    "a lapsed lease": (Invariant.LEASES, "running", "UPDATE tasks SET lease_expires_at = 900 WHERE id = :running"),
    "a lease after the end": (Invariant.LEASES, "done", "UPDATE tasks SET lease_expires_at = 9e9 WHERE id = :done"),
    "waits on too many": (Invariant.WAITING, "waiting", "UPDATE tasks SET waiting_on = 9 WHERE id = :waiting"),
    "waits on nothing": (Invariant.WAITING, "waiting", "UPDATE tasks SET state = 'succeeded' WHERE id = :running"),
    "miscounted misses": (Invariant.WAITING, "waiting", "UPDATE tasks SET unmet = 1 WHERE id = :waiting"),
    "a wrong count": (Invariant.COUNTS, "done_job", "UPDATE jobs SET succeeded = succeeded + 1 WHERE id = :done_job"),
    "a wrong progress": (Invariant.COUNTS, "open_job", "UPDATE jobs SET progress = 999 WHERE id = :open_job"),
    "a task of no count": (Invariant.COUNTS, "done_job", "DELETE FROM tasks WHERE id = :done"),
    "a wrong state": (Invariant.STATES, "done_job", "UPDATE jobs SET state = 'running' WHERE id = :done_job"),
    "no start": (Invariant.STATES, "open_job", "UPDATE jobs SET started_at = NULL WHERE id = :open_job"),
    "no end": (Invariant.STATES, "done_job", "UPDATE jobs SET finished_at = NULL WHERE id = :done_job"),
    "wrong statistics": (Invariant.STATISTICS, "", "UPDATE job_counts SET jobs = jobs + 1 WHERE state = 'succeeded'"),
    "tasks of no job": (Invariant.ORPHANS, "done", "DELETE FROM jobs WHERE id = :done_job"),
    "a result of no task": (Invariant.ORPHANS, "", "DELETE FROM tasks WHERE id = :done"),
    "an artifact of no result": (Invariant.ORPHANS, "", "DELETE FROM results WHERE task_id = :done"),
    "an attempt of no task": (Invariant.ORPHANS, "done", "DELETE FROM tasks WHERE id = :done"),
    "a log of no task": (Invariant.ORPHANS, "gone", "UPDATE task_logs SET task_id = 'gone' WHERE task_id = :done"),
    "files of no job": (Invariant.ORPHANS, "gone", "UPDATE job_files SET job_id = 'gone' WHERE job_id = :done_job"),
    "labels of no job": (Invariant.ORPHANS, "gone", "UPDATE job_labels SET job_id = 'gone' WHERE job_id = :done_job"),
    "a job without its file": (Invariant.ORPHANS, "open_job", "DELETE FROM files"),
    "a job of no pipeline": (
        Invariant.ORPHANS,
        "open_job",
        "UPDATE jobs SET pipeline_id = 'gone' WHERE id = :open_job",
    ),
    "things of no owner": (Invariant.ORPHANS, "done_job", "DELETE FROM owners"),
    "a task of another owner": (Invariant.ORPHANS, "done", "UPDATE tasks SET owner_id = 'other' WHERE id = :done"),
}


@pytest.mark.thorough
@on_shared_ledgers
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_to_a_row_is_found(scene: Scene, name: str) -> None:
    invariant, subject, statement = DAMAGES[name]
    scene.damage(statement)
    subject_id = getattr(scene, subject).id if hasattr(scene, subject) else subject
    found = [difference for difference in scene.audit() if difference.invariant is invariant]
    assert found
    assert not subject_id or subject_id in {difference.subject_id for difference in found}
    assert all(difference.expected != difference.found for difference in found)


@on_shared_ledgers
def test_bytes_that_are_gone_cut_or_changed_are_found(scene: Scene) -> None:
    contents = scene.world.artifacts.contents
    sha256 = hashlib.sha256(TABLE).hexdigest()
    del contents[sha256]
    (gone,) = scene.audit()
    assert (gone.invariant, gone.found) == (Invariant.BYTES, "nothing is stored")
    contents[sha256] = TABLE[:3]
    (cut,) = scene.audit()
    assert cut.found == "3 bytes are stored"
    contents[sha256] = TABLE[::-1]
    assert scene.audit() == []
    changed = scene.audit(with_hashes=True)
    assert f"the hash {hashlib.sha256(TABLE[::-1]).hexdigest()}" in " ".join(one.found for one in changed)


@on_shared_ledgers
def test_a_message_that_nobody_looks_for_is_found_once_the_rescuer_is_late(scene: Scene) -> None:
    world = scene.world
    world.submit("noop", files=1)
    world.engine.dispatch()
    world.transport.lose_messages()
    world.now += world.settings.message_grace_seconds + SLACK_SECONDS - 1
    world.transport.report([])
    world.engine.record()
    assert Invariant.DELIVERIES not in {difference.invariant for difference in scene.audit()}
    world.now += 2
    (lost,) = [one for one in scene.audit() if one.invariant is Invariant.DELIVERIES]
    assert lost.expected == "a ticket and a message"


@on_shared_ledgers
def test_a_ticket_that_nobody_will_claim_is_found_and_the_pruner_withdraws_it(scene: Scene) -> None:
    world = scene.world
    job = world.submit("noop", files=1)
    world.engine.dispatch()
    world.transport.lose_messages()
    world.engine.cancel(OWNER, [job.id, scene.open_job.id])
    world.now += TICKET_SECONDS + 1
    (alone,) = scene.audit()
    assert (alone.invariant, alone.found) == (Invariant.TICKETS, "a ticket alone")
    assert world.engine.prune() == 1
    assert scene.audit() == []


@on_shared_ledgers
def test_without_redis_the_rest_is_looked_at(scene: Scene) -> None:
    scene.damage("DELETE FROM results WHERE task_id = :done")
    scene.world.transport.is_down = True
    found = {difference.invariant for difference in scene.audit()}
    assert found == {Invariant.RESULTS, Invariant.ORPHANS, Invariant.DELIVERIES}


@on_shared_ledgers
def test_reports_that_are_not_recorded_yet_keep_leases_alive(scene: Scene) -> None:
    world = scene.world
    world.now += 1.0
    world.transport.report([])
    world.now += world.settings.lease_seconds + SLACK_SECONDS + 5.0
    assert scene.audit() == []
    world.engine.record()
    assert {difference.invariant for difference in scene.audit()} == {Invariant.LEASES}
