"""The samples of Biodock's page, unchanged but for the host and the placeholders."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.clients.access import IMAGES, key_of
from tests.acceptance.system import System
from tests.servers import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]

SAMPLES = Path(__file__).parent / "biodock_samples"
HOST = "https://app.biodock.ai"


class Biodock:
    """Runs the samples."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.key = key_of(system, "biodock-lab", "submitter")
        self.http = httpx.Client(base_url=f"{system.url}/api/external", headers={"X-API-KEY": self.key}, timeout=60)

    def run(self, sample: str, **placeholders: Any) -> Any:
        """What a sample prints; each placeholder is an assignment in it."""
        script = (SAMPLES / f"{sample}.py.txt").read_text()
        for name, value in {"API_KEY": self.key, **placeholders}.items():
            empty = f"{name} = {[''] if isinstance(value, list) else ''!r}".replace("'", '"')
            assert script.count(empty) == 1, f"{sample} has no {name} to fill in"
            script = script.replace(empty, f"{name} = {value!r}")
        assert HOST in script
        script = script.replace(HOST, self.system.url)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def test_the_five_samples_of_biodocks_page(system: System) -> None:
    biodock = Biodock(system)
    items = []
    for path in IMAGES:
        part = {"fileName": (None, path.name), "destinationFolder": (None, "plate"), "upload": path.open("rb")}
        items.append(biodock.http.post("/filesystem-items/upload-file", files=part).json()["id"])
    pipelines = biodock.http.get("/pipelines").json()["results"]
    (pipeline,) = [entry["id"] for entry in pipelines if entry["name"] == "nuclei"]
    submitted = biodock.run("submit", FILESYSTEM_IDS=items, PIPELINE_ID=pipeline)
    assert (submitted["status"], submitted["percentageCompleted"]) == ("PENDING", 0)
    one = {"ANALYSIS_JOB_ID": submitted["id"]}

    def is_done(sample: str) -> bool:
        return bool(biodock.run(sample, **one)["percentageCompleted"] == 100)

    wait_until(lambda: is_done("fetch"), 120, "the analysis job")
    fetched = biodock.run("fetch", **one)
    assert fetched["status"] == "SUCCEEDED"
    table = httpx.get(fetched["objectsDataCSVUrl"])
    assert (table.status_code, table.text.splitlines()[0].startswith("file_id,file_name,label")) == (200, True)
    assert len(httpx.get(fetched["aggregateDataCSVUrl"]).text.splitlines()) == len(IMAGES) + 2
    (listed,) = biodock.run("list")["results"]
    assert (listed["id"], listed["status"], set(listed) | {"analysisJob"}) == (fetched["id"], "SUCCEEDED", set(fetched))
    assert biodock.run("submit_masks", **one)["status"] == "SUBMITTED"
    wait_until(lambda: is_done("fetch_masks"), 120, "the masks job")
    done = biodock.run("fetch_masks", **one)
    assert biodock.run("submit_masks", **one)["status"] == "SUCCEEDED"
    archive = zipfile.ZipFile(io.BytesIO(httpx.get(done["masksZipUrl"]).content))
    assert len([name for name in archive.namelist() if name.endswith("labels.tif")]) == len(IMAGES)


def test_a_script_in_the_field_that_waits_for_a_hundred_percent_ends(system: System, tmp_path: Path) -> None:
    # It reads the bodies one level down, and what failed must reach a hundred percent as well.
    biodock = Biodock(system)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    item = biodock.http.post("/filesystem-items/upload-file", files={"upload": broken.open("rb")}).json()["id"]
    body = {"pipelineId": "nuclei", "filesystemIds": [item], "name": "broken"}
    job = biodock.http.post("/analysis-jobs", json=body).json()["analysisJob"]

    def fetch() -> Any:
        return biodock.http.get(f"/analysis-jobs/{job['id']}").json()["analysisJob"]

    wait_until(lambda: fetch()["percentageCompleted"] == 100, 120, "the job on a broken file")
    assert fetch()["status"] == "FAILED"
