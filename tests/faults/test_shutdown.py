"""A worker is told to stop and its step does not end in time; a rolling restart of everything is an acceptance test."""

from __future__ import annotations

import pytest

from jobengine.domain.states import JobState
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.acceptance


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
