"""A running system, and somebody who asks it things over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.filters import Page
from jobengine.domain.records import Role
from tests.faults.chaos.load import CONTENTS
from tests.faults.chaos.system import ChaosSystem, running_chaos_system
from tests.servers import wait_until


@dataclass(slots=True)
class Lab:
    """Takes the first answer to whatever it asks."""

    system: ChaosSystem
    parts: Parts
    key: str
    http: httpx.Client

    def upload(self) -> list[str]:
        """Upload files; their IDs."""
        files = [("files", (f"{number}.bin", data)) for number, data in enumerate(CONTENTS)]
        answer = self.http.post("/api/v1/files", files=files)
        assert answer.status_code == 201, answer.text
        return [item["id"] for item in answer.json()["items"]]

    def submit(self, pipeline: str, file_ids: list[str]) -> str:
        """Submit a job, which must be accepted at once; its ID."""
        answer = self.http.post("/api/v1/jobs", json={"pipeline": pipeline, "files": file_ids})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as it is shown."""
        answer = self.http.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_for(self, state: str, *job_ids: str) -> None:
        """Wait until the jobs are in that state."""
        for job_id in job_ids:
            wait_until(lambda job_id=job_id: self.job(job_id)["state"] == state, 60, f"{state} for {job_id}")

    def process_ids(self) -> set[int]:
        """Web server, engines and workers."""
        return {managed.process.pid for managed in self.system.managed if managed.process is not None}


@contextmanager
def running_lab(folder: Path, ledger: str) -> Iterator[Lab]:
    """A system that is ready."""
    with running_chaos_system(folder, ledger) as system, started(system) as lab:
        yield lab


@contextmanager
def started(system: ChaosSystem, key: str | None = None) -> Iterator[Lab]:
    """Start the system and wait until it is ready; with a new key, if its ledger does not have one already."""
    parts = build(read_settings(system.environment))
    key = key or parts.engine.create_key("lab", Role.SUBMITTER)
    try:
        with httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
            system.start()
            lab = Lab(system, parts, key, http)
            wait_until(lambda: is_ready(lab), 90, "the web server and the workers")
            yield lab
    finally:
        parts.outside.store.close()


def is_ready(lab: Lab) -> bool:
    """Whether jobs can be submitted and are run."""
    try:
        is_up = lab.http.get("/health/ready").status_code == 200
    except httpx.HTTPError:
        return False
    return is_up and any(one.name == "chaos-short" for one in lab.parts.queries.catalog.pipelines(None, Page(1000)))
