"""The real client of MCRIT, unchanged but for the address: all that it can ask of jobs and results."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.clients.access import IMAGES, key_of, native_client, upload
from tests.acceptance.system import System
from tests.servers import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]

NOW = datetime.now(UTC).replace(tzinfo=None)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Image jobs of one owner, each of which ended in a way of its own, in the order of their submission."""

    key: str
    native: httpx.Client
    one: str
    two: str
    broken: str
    stopped: str

    @property
    def newest_first(self) -> list[str]:
        """All of them as a list shows them."""
        return [self.stopped, self.broken, self.two, self.one]


def client_of(system: System, key: str, **options: Any) -> Any:
    """The real client."""
    from mcrit.client.McritClient import McritClient

    return McritClient(system.url, apitoken=key, username="u", **options)


def submit(native: httpx.Client, name: str, file_ids: list[str]) -> str:
    """An image job; its ID."""
    answer = native.post("/jobs", json={"pipeline": "nuclei", "files": file_ids, "name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def jobs(system: System, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Jobs that have all ended."""
    key = key_of(system, "mcrit-lab", "submitter")
    native = native_client(system, key)
    no_image = tmp_path_factory.mktemp("mcrit") / "broken.png"
    no_image.write_bytes(b"no image")
    first, second, broken = upload(native, [*IMAGES, no_image])
    one = submit(native, "one image", [first])
    two = submit(native, "two images", [first, second])
    failed = submit(native, "a broken image", [broken])
    stopped = submit(native, "stopped", [first, second])
    assert native.post(f"/jobs/{stopped}/cancel").json()["state"] == "canceled"
    return Jobs(key, native, one, two, failed, stopped)


def ids(found: list[Any]) -> list[str]:
    """The IDs of listed jobs."""
    return [job.job_id for job in found]


def test_results_are_awaited_and_got(system: System, jobs: Jobs) -> None:
    from mcrit.client.McritClient import JobTerminatedError

    client = client_of(system, jobs.key)
    result = client.awaitResult(jobs.one, sleep_time=0.2)
    assert result["files"] == 1
    assert client.awaitResult(jobs.two, sleep_time=0.2, compact=True)["files"] == 2
    job = client.getJobData(jobs.one)
    assert client.getResultForJob(jobs.one) == client.getResultForJob(jobs.one, compact=True) == result
    assert client.getResult(job.result) == client.getResult(job.result, compact=True) == result
    assert client.getJobForResult(job.result).job_id == jobs.one
    # Waiting ends, too, where there is no result: there is none, or an error that says why.
    assert client.awaitResult(jobs.broken, sleep_time=0.2) is None
    with pytest.raises(JobTerminatedError):
        client.awaitResult(jobs.stopped, sleep_time=0.2)
    for job_id in (jobs.broken, jobs.stopped):
        assert client.getResultForJob(job_id) is None


def test_what_a_job_says_of_itself(system: System, jobs: Jobs) -> None:
    from mcrit.queue.LocalQueue import Job

    client = client_of(system, jobs.key)
    client.awaitResult(jobs.two, sleep_time=0.2)
    client.awaitResult(jobs.broken, sleep_time=0.2)
    found = {job_id: client.getJobData(job_id) for job_id in jobs.newest_first}
    for job in found.values():
        # Nothing that the client can read of a job breaks it.
        for name in [name for name, value in vars(Job).items() if isinstance(value, property)]:
            getattr(job, name)
        assert (job.method, str(job).startswith(f"ID: {job.job_id} - nuclei(")) == ("nuclei", True)
    ends = {job_id: (job.is_finished, job.is_failed, job.is_terminated) for job_id, job in found.items()}
    assert ends == {
        jobs.one: (True, False, False),
        jobs.two: (True, False, False),
        jobs.broken: (False, True, False),
        jobs.stopped: (False, False, True),
    }
    assert (found[jobs.one].progress, found[jobs.one].last_error) == (1.0, None)
    assert found[jobs.one].duration is not None
    assert "broken.png" in found[jobs.broken].last_error


def test_lists_with_every_filter(system: System, jobs: Jobs) -> None:
    client = client_of(system, jobs.key)
    wait_until(lambda: not {"queued", "in_progress"} & states(client), 120, "all jobs")
    newest_first = jobs.newest_first
    assert ids(client.getQueueData()) == newest_first
    assert ids(client.getQueueData(ascending=True)) == newest_first[::-1]
    assert ids(client.getQueueData(limit=2)) == newest_first[:2]
    assert ids(client.getQueueData(start=1, limit=2)) == newest_first[1:3]
    assert ids(client.getQueueData(start=3)) == newest_first[3:]
    assert ids(client.getQueueData(start=1, limit=1, ascending=True)) == [jobs.two]
    assert ids(client.getQueueData(method="nuclei")) == newest_first
    assert client.getQueueData(method="brightfield") == []
    by_state = {word: ids(client.getQueueData(state=word)) for word in ("finished", "failed", "terminated")}
    assert by_state == {"finished": [jobs.two, jobs.one], "failed": [jobs.broken], "terminated": [jobs.stopped]}
    for word in ("queued", "processing", "in_progress", "unheard-of"):
        assert client.getQueueData(state=word) == []
    assert ids(client.getQueueData(filter="image")) == [jobs.broken, jobs.two, jobs.one]
    assert ids(client.getQueueData(filter="nuclei(", limit=1)) == [jobs.stopped]
    assert ids(client.getQueueData(filter=jobs.two)) == [jobs.two]
    every = {"method": "nuclei", "filter": "image", "state": "finished", "ascending": True}
    assert ids(client.getQueueData(start=1, limit=1, **every)) == [jobs.two]
    assert (client.getJobCount(), client.getJobCount(filter="images")) == (4, 1)
    raw = client_of(system, jobs.key, raw_responses=True).getQueueData(limit=1)
    assert (raw.status_code, raw.json()["status"], len(raw.json()["data"])) == (200, "successful", 1)


def states(client: Any) -> set[str]:
    """The states in which there are jobs, by the statistics."""
    counts = client.getQueueStatistics()["nuclei"]
    return {word for word, count in counts.items() if count}


def test_statistics(system: System, jobs: Jobs) -> None:
    client = client_of(system, jobs.key)
    wait_until(lambda: not {"queued", "in_progress"} & states(client), 120, "all jobs")
    counted = client.getQueueStatistics()
    assert counted == client.getQueueStatistics(with_refresh=True)
    assert counted["nuclei"] == {"queued": 0, "in_progress": 0, "finished": 2, "failed": 1, "terminated": 1}
    totals = {word: counted[word] for word in ("total_jobs", "finished", "processing", "failed", "terminated")}
    assert totals == {"total_jobs": 4, "finished": 2, "processing": 0, "failed": 1, "terminated": 1}


def test_what_is_not_there_and_who_has_no_token(system: System, jobs: Jobs) -> None:
    client = client_of(system, jobs.key)
    for identifier in ("f" * 24, "zz", "f" * 25):
        assert client.getJobData(identifier) is None
        assert client.getResultForJob(identifier) is None
        assert client.getResult(identifier) is None
        assert client.getJobForResult(identifier) is None
    assert client.deleteJob("f" * 24) == {"num_deleted": 0}
    assert client.deleteJob("zz") is None
    stranger = client_of(system, key_of(system, "mcrit-others", "submitter"))
    assert (stranger.getQueueData(), stranger.getJobData(jobs.one)) == ([], None)
    assert stranger.deleteQueueData(created_before=TOMORROW) == {"num_deleted": 0}
    wrong = client_of(system, "wrong")
    assert (wrong.getQueueData(), wrong.getQueueStatistics(), wrong.deleteQueueData()) == (None, None, None)
    assert client.getJobCount() == 4


def test_the_command_shows_the_queue(system: System, jobs: Jobs) -> None:
    command = Path(sys.executable).with_name("mcrit")
    words = [command, "client", "--server", system.url, "--apitoken", jobs.key, "queue"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False)
    assert [job_id in shown.stdout for job_id in jobs.newest_first] == [True] * 4, shown.stdout + shown.stderr


def test_deleting_one_and_many(system: System) -> None:
    key = key_of(system, "mcrit-tidy", "submitter")
    client, native = client_of(system, key), native_client(system, key)
    file_ids = upload(native, IMAGES)[:1]
    done = [submit(native, f"done {number}", file_ids) for number in range(2)]
    for job_id in done:
        assert client.awaitResult(job_id, sleep_time=0.2)["files"] == 1
    assert native.post(f"/jobs/{submit(native, 'stopped', file_ids)}/cancel").status_code == 200
    result_id = client.getJobData(done[0]).result
    assert client.deleteJob(done[0]) == {"num_deleted": 1}
    assert (client.getJobData(done[0]), client.getResult(result_id)) == (None, None)
    for criteria in (
        {"method": "brightfield", "created_before": TOMORROW},
        {"created_before": YESTERDAY},
        # All must hold, also where the real system looks at one of them only.
        {"created_before": TOMORROW, "finished_before": YESTERDAY},
        {"method": "nuclei", "finished_before": YESTERDAY},
    ):
        assert client.deleteQueueData(**criteria) == {"num_deleted": 0}, criteria
    assert client.getJobCount() == 2
    assert client.deleteQueueData(method="nuclei", created_before=TOMORROW, finished_before=TOMORROW) == {
        "num_deleted": 2
    }
    submit(native, "the last one", file_ids)
    assert client.deleteQueueData() == {"num_deleted": 1}
    assert client.getQueueData() == []
