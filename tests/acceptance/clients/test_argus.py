"""The real client of Argus SampleDB, unchanged but for the address."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import httpx
import pytest

from tests.acceptance.clients.access import IMAGES, key_of
from tests.acceptance.system import System
from tests.servers import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]


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


def test_every_way_to_find_jobs(system: System) -> None:
    import argus_api.lib.sampledb.v2.job as jobs
    import argus_api.lib.sampledb.v2.sample as samples
    from argus_api.exceptions.client import ArgusAPIAuthenticationError
    from argus_api.pagination import paginated_items
    from argus_api.session import ArgusAPISession

    key = key_of(system, "argus-finds", "submitter")
    submitter = ArgusAPISession(auth=key, api_url=system.url)
    submitter.authenticate(check=True)
    with pytest.raises(ArgusAPIAuthenticationError):
        ArgusAPISession(auth="wrong", api_url=system.url).authenticate(check=True)
    session = {"api_session": submitter}
    begun = int(time.time() * 1000)
    made = []
    for number in range(3):
        headers = {"Argus-API-Key": key, "Content-Type": "application/octet-stream"}
        sent = httpx.post(f"{system.url}/sampledb/v2/sample", content=f"{begun} {number}", headers=headers).json()
        made.append(samples.add_submission(sent["data"]["sha256"], fileName="a.exe", **session)["data"]["job"])
    ids = [job["id"] for job in made]
    assert jobs.update_job_state(ids[0], state="executing", **session)["data"]["state"] == "executing"
    listed = list(paginated_items(jobs.list_jobs)(limit=1, **session))
    assert [job["id"] for job in listed] == ids[::-1]
    page = jobs.list_jobs(limit=1, offset=1, sortBy=["enqueuedTimestamp"], **session)
    assert ([job["id"] for job in page["data"]], page["count"], page["size"]) == ([ids[1]], 3, 1)
    assert [job["id"] for job in jobs.list_jobs(state=["executing"], **session)["data"]] == ids[:1]

    def found(**criteria: Any) -> list[str]:
        criteria = {"sortBy": ["enqueuedTimestamp"], "limit": 0, **criteria}
        return [job["id"] for job in jobs.search_jobs(**criteria, **session)["data"]]

    assert found() == ids
    assert found(state=["executing"]) == ids[:1]
    assert found(sampleSha256=[made[1]["analysedSample"]["id"]]) == ids[1:2]
    assert found(customer=["argus-finds"]) == found(customer=[made[0]["customer"]["id"]]) == ids
    assert found(startTimestamp=begun - 1000, timeFieldStrategy=["enqueuedTimestamp"]) == ids
    assert found(startTimestamp="-1 hour", endTimestamp=begun - 1000, timeFieldStrategy=["all"]) == []
    every_time = ["enqueuedTimestamp", "startTimestamp"]
    assert found(startTimestamp=begun - 1000, timeFieldStrategy=every_time, timeMatchStrategy="all") == ids[:1]
    assert found(startTimestamp=begun - 1000, timeFieldStrategy=every_time, timeMatchStrategy="any") == ids
    assert found(sortBy=["-enqueuedTimestamp"], limit=1, offset=1) == ids[1:2]
