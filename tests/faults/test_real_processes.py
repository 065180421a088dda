"""Real processes are killed while they work, and every job ends once with its result."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from jobengine.domain.records import Job
from jobengine.domain.states import FailureKind, JobState, TaskState
from tests.faults.cluster import OWNER, Cluster, kill
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance

FILES = [f"file {number}".encode() for number in range(40)]


def sleepers(cluster: Cluster) -> Job:
    """A job of 40 tasks of a fifth of a second each."""
    return cluster.submit("sleep", FILES, parameters={"sleep": {"seconds": 0.2}})


def assert_done_once(cluster: Cluster, job: Job) -> None:
    """The job succeeded, and each of its tasks has one result."""
    done = cluster.finished(job)
    tasks, results = cluster.tasks(job), cluster.results(job)
    assert done.state is JobState.SUCCEEDED, [task.message for task in tasks if task.message]
    assert sorted(result.task_id for result in results) == sorted(task.id for task in tasks)


def test_a_job_runs_through_celery_and_redis(cluster: Cluster) -> None:
    job = cluster.submit("sum", [b"a", b"bb", b"", b"dddd"])
    done = cluster.finished(job)
    assert (done.state, done.counts.succeeded, done.counts.failed) == (JobState.FAILED, 4, 1)
    (failed,) = [task for task in cluster.tasks(job) if task.state is TaskState.FAILED]
    assert (failed.failure_kind, failed.message) == (FailureKind.STEP, "'2.bin' is empty.")
    assert {"bytes": 7, "files": 4} in [result.data for result in cluster.results(job)]


def test_a_killed_child_costs_its_task_one_attempt(cluster: Cluster) -> None:
    job = sleepers(cluster)
    cluster.wait_for_successes(job, 4)
    os.kill(cluster.children()[0], signal.SIGKILL)
    assert_done_once(cluster, job)
    assert sum(task.losses for task in cluster.tasks(job)) == 1


def test_a_killed_worker_takes_its_children_along_and_loses_nothing(cluster: Cluster) -> None:
    job = sleepers(cluster)
    cluster.wait_for_successes(job, 4)
    children = cluster.children()
    kill(cluster.worker)
    wait_until(lambda: not any(map(psutil.pid_exists, children)), 5.0, "the end of the children")
    cluster.start_worker()
    assert_done_once(cluster, job)


def test_a_killed_engine_goes_on_where_it_was(cluster: Cluster) -> None:
    job = sleepers(cluster)
    cluster.wait_for_successes(job, 4)
    kill(cluster.engine)
    cluster.start_engine()
    assert_done_once(cluster, job)


def test_redis_killed_with_its_data_deleted_loses_nothing(cluster: Cluster) -> None:
    job = sleepers(cluster)
    cluster.wait_for_successes(job, 4)
    cluster.redis.kill(delete_data=True)
    later = sleepers(cluster)
    cluster.redis.start()
    assert_done_once(cluster, job)
    assert_done_once(cluster, later)


def test_a_task_that_kills_three_workers_is_quarantined(cluster: Cluster) -> None:
    job = cluster.submit("kill", [b"x"])
    assert cluster.finished(job).state is JobState.FAILED
    (task,) = cluster.tasks(job)
    assert (task.failure_kind, task.attempt) == (FailureKind.LOST, 3)
    assert cluster.finished(cluster.submit("noop", [b"x"])).state is JobState.SUCCEEDED


def test_a_step_that_ignores_its_time_limit_is_killed(cluster: Cluster) -> None:
    job = cluster.submit("deaf", [b"x"])
    assert cluster.finished(job).state is JobState.FAILED
    (task,) = cluster.tasks(job)
    assert task.failure_kind is FailureKind.TIMEOUT


def test_a_canceled_task_stops_soon(cluster: Cluster) -> None:
    job = cluster.submit("sleep", [b"x"], parameters={"sleep": {"seconds": 60}})
    wait_until(lambda: cluster.job(job).state is JobState.RUNNING, 20.0, "the start")
    cluster.parts.engine.cancel(OWNER, [job.id])
    after = cluster.submit("sleep", FILES[:2], parameters={"sleep": {"seconds": 0.5}})
    assert_done_once(cluster, after)
    assert cluster.job(job).state is JobState.CANCELED


def test_sigterm_ends_engine_and_worker_cleanly(cluster: Cluster) -> None:
    job = cluster.submit("sum", [b"a"])
    cluster.finished(job)
    for process in (cluster.engine, cluster.worker):
        assert process is not None
        process.terminate()
        assert process.wait(20) == 0
