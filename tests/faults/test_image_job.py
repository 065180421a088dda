"""Processes are killed in the middle of a real job on 200 images, and each task has exactly one result."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jobengine.domain.records import File, Job
from jobengine.domain.states import JobState
from jobengine.verbs.requests import JobRequest
from tests.faults.cluster import OWNER, Cluster, kill

pytestmark = pytest.mark.acceptance

IMAGES = sorted((Path(__file__).parents[2] / "examples" / "nuclei").glob("*.png"))
FILES = 200


def submit_images(cluster: Cluster) -> Job:
    """A nuclei job on 200 files: the images that the project carries, again and again under other names."""
    outside = cluster.parts.outside
    stored = [outside.artifacts.put(io.BytesIO(path.read_bytes())) for path in IMAGES]
    files = []
    for number in range(FILES):
        content = stored[number % len(stored)]
        name, at = f"{number}.png", outside.clock()
        identifier = outside.ids.new()
        files.append(File(identifier, OWNER, name, "", "image/png", content.size_bytes, content.sha256, at))
    with outside.store.begin() as ledger:
        ledger.files.insert(files)
    return cluster.parts.engine.submit(JobRequest(OWNER, "nuclei", tuple(file.id for file in files)))


def kill_child(cluster: Cluster) -> None:
    """SIGKILL one of the processes that run steps."""
    os.kill(cluster.children()[0], signal.SIGKILL)


def kill_worker(cluster: Cluster) -> None:
    """SIGKILL the worker's parent, and start another one."""
    kill(cluster.worker)
    cluster.start_worker()


def kill_engine(cluster: Cluster) -> None:
    """SIGKILL the engine, and start another one."""
    kill(cluster.engine)
    cluster.start_engine()


def empty_redis(cluster: Cluster) -> None:
    """SIGKILL Redis, delete its data, and start it again."""
    cluster.redis.kill(delete_data=True)
    cluster.redis.start()


@pytest.mark.parametrize("strike", [kill_child, kill_worker, kill_engine, empty_redis])
def test_a_job_on_200_images_ends_with_one_result_per_task(cluster: Cluster, strike: Callable[[Cluster], None]) -> None:
    job = submit_images(cluster)
    cluster.wait_for_successes(job, 40)
    assert cluster.job(job).state is JobState.RUNNING
    strike(cluster)
    done = cluster.finished(job, 180.0)
    tasks, results = cluster.tasks(job), cluster.results(job)
    assert done.state is JobState.SUCCEEDED, [task.message for task in tasks if task.message]
    assert len(tasks) == 2 * FILES + 1
    assert sorted(result.task_id for result in results) == sorted(task.id for task in tasks)
    (tables,) = [result for result in results if result.kind == "tables"]
    assert tables.data["files"] == FILES
