"""Workers are told to stop while they work: nothing is lost, nothing that ended is repeated, no attempt is charged."""

from __future__ import annotations

import pytest

from jobengine.domain.states import JobState
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.acceptance


def test_a_rolling_restart_under_load_loses_and_repeats_nothing(cluster: Cluster) -> None:
    files = [f"file {number}".encode() for number in range(60)]
    job = cluster.submit("sleep", files, parameters={"sleep": {"seconds": 0.3}})
    for count in (5, 20, 35):
        cluster.wait_for_successes(job, count)
        for process, start in ((cluster.worker, cluster.start_worker), (cluster.engine, cluster.start_engine)):
            assert process is not None
            process.terminate()
            assert process.wait(40) == 0
            start()
    done = cluster.finished(job, 120)
    tasks, results = cluster.tasks(job), cluster.results(job)
    assert (done.state, len(results)) == (JobState.SUCCEEDED, len(files))
    assert {task.id for task in tasks} == {result.task_id for result in results}
    assert {(task.failures, task.losses) for task in tasks} == {(0, 0)}


def test_a_step_longer_than_the_grace_period_goes_back_and_costs_nothing(cluster: Cluster) -> None:
    job = cluster.submit("sleep", [b"long"], parameters={"sleep": {"seconds": 14.0}})
    cluster.wait_until_running(job)
    assert cluster.worker is not None
    cluster.worker.terminate()
    cluster.worker.wait(40)
    cluster.start_worker()
    done = cluster.finished(job, 90)
    (task,) = cluster.tasks(job)
    assert (done.state, task.failures, task.losses, task.attempt) == (JobState.SUCCEEDED, 0, 0, 2)
