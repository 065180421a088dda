"""ET Engine's own strict parsers on what we answer, asked as its client asks."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobengine.domain.ids import to_uuid
from tests.acceptance.clients.access import IMAGES, key_of, native_client, upload
from tests.acceptance.system import System
from tests.servers import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]


def ask(system: System, key: str, path: str, method: str = "GET") -> Any:
    """What the client gets: it sends a body that does not say what it is, also with GET."""
    answer = httpx.request(method, f"{system.url}{path}", headers={"Authorization": key}, content=b"{}", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.content else None


@pytest.mark.parametrize("base", ["", "/v1"])
def test_the_strict_parsers_read_a_batch_of_real_work(system: System, base: str) -> None:
    from et_engine_core import Batch, BatchStatus, Job

    key = key_of(system, f"et-lab{base.replace('/', '-')}", "submitter")
    native = native_client(system, key)
    file_ids = upload(native, IMAGES)
    body = {
        "hardware": {"cpu": 2, "memory": 1024, "filesystem_list": [{"filesystem_id": "plates"}]},
        "jobs": [{"pipeline": "nuclei", "files": [file_id]} for file_id in file_ids],
    }
    made = native.post("/batches", json=body).json()
    (found,) = ask(system, key, f"{base}/batches")
    batch = Batch.from_json(found)
    assert (batch.batch_id, batch.n_jobs, batch.batch_tool.tool_name) == (to_uuid(made["id"]), 2, "nuclei")
    assert (batch.batch_hardware.cpu, batch.batch_hardware.memory) == (2, 1024)
    url = f"{base}/batches/{batch.batch_id}"

    def status() -> Any:
        return BatchStatus.from_json(ask(system, key, url))

    # As the client waits.
    wait_until(lambda: status().succeeded + status().failed >= batch.n_jobs, 120, "the batch")
    assert status() == BatchStatus(succeeded=2)
    jobs = [Job.from_json(entry) for entry in ask(system, key, f"{url}/jobs")]
    assert [job.job_id for job in jobs] == [to_uuid(job_id) for job_id in made["jobs"]]
    assert {(job.job_tool.tool_name, job.job_log_id) for job in jobs} == {("nuclei", batch.batch_id)}
    (detail,) = ask(system, key, f"{url}/jobs/{jobs[0].job_id}")
    assert (detail["status"], detail["reason"], detail["hardware"]["filesystems"]) == ("SUCCEEDED", "", ["plates"])
    assert detail["create_time"] <= detail["start_time"] <= detail["stop_time"]
    assert native.delete(f"/jobs/{made['jobs'][0]}").status_code == 204
    assert status() == BatchStatus(succeeded=1, failed=1)
    assert ask(system, key, url, "DELETE") is None
    assert ask(system, key, f"{base}/batches") == []
    native.post("/batches", json=body)
    assert ask(system, key, f"{base}/batches", "DELETE") is None
    assert ask(system, key, f"{base}/batches") == []
