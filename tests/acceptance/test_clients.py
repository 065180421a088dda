"""Clients that others wrote, unchanged but for the address, against a running system and its real work."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.system import NUCLEI, System, running_system
from tests.servers import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]

IMAGES = sorted(NUCLEI.glob("*.png"))[:2]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for all clients."""
    with running_system(tmp_path_factory.mktemp("clients") / "data") as running:
        yield running


def key_of(system: System, owner: str, role: str) -> str:
    """A new key."""
    made = system.run("keys", "create", "--owner", owner, "--role", role, "--data", str(system.data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


# The samples of the page, each as a script of its own: an address, a key and IDs are all that is filled in.
SAMPLE = """
import requests

API_KEY = {key!r}
FILESYSTEM_IDS = {items!r}
PIPELINE_ID = {pipeline!r}
ANALYSIS_JOB_ID = {job!r}

URL = f"{base}/api/external/analysis-jobs{path}"
headers = {{"X-API-KEY": API_KEY, "Content-Type": "application/json"}}
data = {{"filesystemIds": FILESYSTEM_IDS, "pipelineId": PIPELINE_ID}}

response = requests.{call}
print(response.text)
"""


class Biodock:
    """Runs the page's samples."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.key = key_of(system, "biodock-lab", "submitter")
        self.http = httpx.Client(base_url=f"{system.url}/api/external", headers={"X-API-KEY": self.key}, timeout=60)

    def run(self, call: str, path: str = "", items: tuple[str, ...] = (), pipeline: str = "", job: str = "") -> Any:
        """What the sample prints."""
        script = SAMPLE.format(
            key=self.key,
            items=list(items),
            pipeline=pipeline,
            job=job,
            base=self.system.url,
            path=path,
            call=call,
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def test_the_five_samples_of_biodocks_page(system: System) -> None:
    biodock = Biodock(system)
    items = []
    for path in IMAGES:
        upload = {"fileName": (None, path.name), "destinationFolder": (None, "plate"), "upload": path.open("rb")}
        items.append(biodock.http.post("/filesystem-items/upload-file", files=upload).json()["id"])
    pipelines = biodock.http.get("/pipelines").json()["results"]
    (pipeline,) = [entry["id"] for entry in pipelines if entry["name"] == "nuclei"]
    submitted = biodock.run("post(URL, json=data, headers=headers)", items=tuple(items), pipeline=pipeline)
    one = {"path": "/{ANALYSIS_JOB_ID}", "job": submitted["id"]}
    masks = {**one, "path": "/{ANALYSIS_JOB_ID}/download-masks"}
    get, post = "get(URL, headers=headers)", "post(URL, headers=headers)"

    def is_done(sample: dict[str, str]) -> bool:
        return bool(biodock.run(get, **sample)["percentageCompleted"] == 100)

    wait_until(lambda: is_done(one), 120, "the analysis job")
    fetched = biodock.run(get, **one)
    assert fetched["status"] == "SUCCEEDED"
    table = httpx.get(fetched["objectsDataCSVUrl"])
    assert (table.status_code, table.text.splitlines()[0].startswith("file_id,file_name,label")) == (200, True)
    assert len(httpx.get(fetched["aggregateDataCSVUrl"]).text.splitlines()) == len(IMAGES) + 2
    (listed,) = biodock.run(get)["results"]
    assert (listed["id"], listed["status"], set(listed) | {"analysisJob"}) == (fetched["id"], "SUCCEEDED", set(fetched))
    assert biodock.run(post, **masks)["status"] == "SUBMITTED"
    wait_until(lambda: is_done(masks), 120, "the masks job")
    archive = zipfile.ZipFile(io.BytesIO(httpx.get(biodock.run(get, **masks)["masksZipUrl"]).content))
    assert len([name for name in archive.namelist() if name.endswith("labels.tif")]) == len(IMAGES)


def test_the_real_argus_client(system: System) -> None:
    import argus_api.lib.sampledb.v2.job as jobs
    import argus_api.lib.sampledb.v2.sample as samples
    from argus_api.exceptions.http import (
        AccessDeniedException,
        AuthenticationFailedException,
        ObjectNotFoundException,
        ValidationErrorException,
    )
    from argus_api.pagination import paginated_items
    from argus_api.session import ArgusAPISession

    analyzer = {"api_session": ArgusAPISession(auth=key_of(system, "argus-lab", "analyzer"), api_url=system.url)}
    viewer = {"api_session": ArgusAPISession(auth=key_of(system, "argus-lab", "viewer"), api_url=system.url)}
    submitter_key = key_of(system, "argus-lab", "submitter")
    submitter = {"api_session": ArgusAPISession(auth=submitter_key, api_url=system.url)}
    data = f"sample of {time.time()}".encode()
    sent = httpx.post(
        f"{system.url}/sampledb/v2/sample",
        content=data,
        headers={"Argus-API-Key": submitter_key, "Content-Type": "application/octet-stream"},
    )
    assert sent.status_code == 201, sent.text
    sha256 = hashlib.sha256(data).hexdigest()
    submission = samples.add_submission(sha256, fileName="a.exe", **submitter)["data"]
    job_id = submission["job"]["id"]
    assert jobs.get_job(job_id, **viewer)["data"]["state"] == "enqueued"
    task = jobs.add_job_task(job_id, worker="analysis-worker-name", state="enqueued", **analyzer)["data"]
    again = jobs.add_job_task(job_id, worker="analysis-worker-name", state="enqueued", **analyzer)["data"]
    assert again["id"] == task["id"]
    jobs.update_job_task(job_id, task["id"], state="executing", **analyzer)
    assert jobs.get_job(job_id, **viewer)["data"]["state"] == "executing"
    done = jobs.update_job_task(
        job_id, task["id"], state="success", analysisID="7512c89c-2308-4d4c-86af-94462b6ac3ad", **analyzer
    )["data"]
    assert done["analysis"]["id"] == "7512c89c-2308-4d4c-86af-94462b6ac3ad"
    jobs.add_job_task(job_id, worker="b", state="executing", **analyzer)
    listed = list(paginated_items(jobs.list_job_tasks)(job_id, limit=1, sortBy=["worker"], **viewer))
    assert [entry["worker"] for entry in listed] == ["analysis-worker-name", "b"]
    assert jobs.get_job_task(job_id, task["id"], **viewer)["data"]["state"] == "success"
    (other,) = [entry for entry in listed if entry["worker"] == "b"]
    jobs.update_job_task(job_id, other["id"], state="failed", message="no luck", **analyzer)
    assert jobs.update_job_state(job_id, state="done", **analyzer)["data"]["state"] == "done"
    second = samples.add_submission(sha256, fileName="b.exe", **submitter)["data"]["job"]["id"]
    jobs.abort_job(second, **analyzer)
    assert jobs.get_job(second, **viewer)["data"]["state"] == "aborted"
    found = jobs.search_jobs(sampleSha256=[sha256], state=["aborted"], **viewer)["data"]
    assert [entry["id"] for entry in found] == [second]
    assert len(jobs.list_jobs(state=["done", "aborted"], sortBy=["-enqueuedTimestamp"], **viewer)["data"]) == 2
    with pytest.raises(ObjectNotFoundException):
        jobs.get_job("f" * 24, **viewer)
    with pytest.raises(ValidationErrorException):
        jobs.update_job_task(job_id, task["id"], state="asleep", **analyzer)
    with pytest.raises(AccessDeniedException):
        jobs.add_job_task(second, worker="w", state="enqueued", **viewer)
    with pytest.raises(AuthenticationFailedException):
        jobs.get_job(job_id, api_session=ArgusAPISession(auth="wrong", api_url=system.url))


def test_the_real_argus_client_on_work_of_our_own_workers(system: System) -> None:
    import argus_api.lib.sampledb.v2.job as jobs
    import argus_api.lib.sampledb.v2.sample as samples
    from argus_api.session import ArgusAPISession

    key = key_of(system, "argus-images", "submitter")
    session = {"api_session": ArgusAPISession(auth=key, api_url=system.url)}
    headers = {"Argus-API-Key": key, "Content-Type": "application/octet-stream"}
    sent = httpx.post(
        f"{system.url}/sampledb/v2/sample?fileName=cells.png", content=IMAGES[0].read_bytes(), headers=headers
    )
    about = {"metaData": {"pipeline": "nuclei"}}
    job = samples.add_submission(sent.json()["data"]["sha256"], fileName="cells.png", **about, **session)["data"]["job"]
    wait_until(lambda: jobs.get_job(job["id"], **session)["data"]["state"] == "done", 120, "the job")
    tasks = jobs.list_job_tasks(job["id"], **session)["data"]
    assert {task["worker"]: task["state"] for task in tasks} == {
        "image.segment": "success",
        "image.measure": "success",
        "image.tables": "success",
    }


def test_the_real_mcrit_client(system: System) -> None:
    from mcrit.client.McritClient import McritClient

    key = key_of(system, "mcrit-lab", "submitter")
    client = McritClient(system.url, apitoken=key, username="u")
    native = httpx.Client(base_url=f"{system.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60)
    files = [("files", path.open("rb")) for path in IMAGES]
    ids = [item["id"] for item in native.post("/files", files=files).json()["items"]]

    def submit(name: str, file_ids: list[str]) -> str:
        body = {"pipeline": "nuclei", "files": file_ids, "name": name}
        return str(native.post("/jobs", json=body).json()["id"])

    first, second = submit("one image", ids[:1]), submit("two images", ids)
    result = client.awaitResult(first, sleep_time=0.2)
    assert result["files"] == 1
    assert client.awaitResult(second, sleep_time=0.2, compact=True)["files"] == 2
    job = client.getJobData(first)
    assert (job.method, job.is_finished, job.is_failed, job.is_terminated, job.progress) == (
        "nuclei",
        True,
        False,
        False,
        1.0,
    )
    assert re.fullmatch("[0-9a-f]{24}", job.result)
    assert job.duration is not None
    assert client.getResultForJob(first) == client.getResult(job.result) == client.getResult(job.result, compact=True)
    assert client.getJobForResult(job.result).job_id == first
    assert [entry.job_id for entry in client.getQueueData()] == [second, first]
    assert [entry.job_id for entry in client.getQueueData(start=1, limit=1)] == [first]
    assert [entry.job_id for entry in client.getQueueData(ascending=True)] == [first, second]
    assert [entry.job_id for entry in client.getQueueData(filter="two images")] == [second]
    assert len(client.getQueueData(method="nuclei", state="finished")) == 2
    assert client.getQueueData(state="queued") == []
    assert client.getJobCount() == 2
    statistics = client.getQueueStatistics(with_refresh=True)
    assert (statistics["finished"], statistics["nuclei"]["finished"]) == (2, 2)
    assert client.getJobData("f" * 24) is None
    assert client.getJobData("zz") is None
    assert client.deleteJob(first)["num_deleted"] == 1
    tomorrow = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    assert client.deleteQueueData(method="brightfield", created_before=tomorrow)["num_deleted"] == 0
    assert client.deleteQueueData(method="nuclei", finished_before=tomorrow)["num_deleted"] == 1
    assert client.getQueueData() == []


def test_each_product_sees_its_own_half_of_jobs(system: System) -> None:
    key = key_of(system, "both", "viewer")
    bearer = httpx.get(f"{system.url}/jobs", headers={"Authorization": f"Bearer {key}"})
    token = httpx.get(f"{system.url}/jobs", headers={"apitoken": key})
    assert (bearer.json(), token.json()) == ([], {"status": "successful", "data": []})
    assert Path(system.data, "logs", "web.log").read_text().count("Traceback") == 0
