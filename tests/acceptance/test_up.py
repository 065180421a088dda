"""The whole system as a user starts it: ready, a job by the command, restarts, and a clean stop."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.acceptance.system import COMMAND, NUCLEI, System, running_system
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.acceptance


def test_a_job_by_the_command_from_upload_to_download(system: System, tmp_path: Path) -> None:
    assert system.output[-1] == f"ready: http://127.0.0.1:{system.port}"
    assert stat.S_IMODE((system.data / "admin.key").stat().st_mode) == 0o600
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    done = system.run("submit", "nuclei", str(NUCLEI / "c0c4a829c8d3.png"), str(bad), "--wait")
    assert done.returncode == 1
    assert "'bad.png' cannot be analysed. The file is not a PNG, JPEG or TIFF image." in done.stdout
    job_id = re.findall(r"[0-9a-f]{24}", done.stdout)[0]
    fetched = system.run("results", job_id, "--out", str(tmp_path / "out"))
    assert fetched.returncode == 0, fetched.stderr
    assert "c0c4a829c8d3.png,16" in (tmp_path / "out" / "aggregates.csv").read_text()
    assert json.loads(system.run("jobs", "--json").stdout)[0]["id"] == job_id
    unknown = system.run("submit", "nothing", str(bad))
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("Error: There is no published pipeline 'nothing'. There are: brightfield, ")
    with httpx.Client() as client:
        assert client.get(f"http://127.0.0.1:{system.port}/api/v1/jobs").status_code == 401


def test_flower_shows_the_worker_and_its_tasks_by_step(tmp_path: Path) -> None:
    with running_system(tmp_path / "data", has_flower=True) as system, httpx.Client() as client:
        flower = next(line.partition(" ")[2] for line in system.output if line.startswith("flower: "))
        wait_until(lambda: "celery@" in _page(client, f"{flower}/workers"), 60.0, "the worker in Flower")
        done = system.run("submit", "nuclei", str(NUCLEI / "c0c4a829c8d3.png"), "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        table = f"{flower}/tasks/datatable?draw=1&start=0&length=50&search[value]=&columns[0][data]=name"
        table += "&order[0][column]=0&order[0][dir]=asc"
        wanted = {("image.segment", "SUCCESS"), ("image.measure", "SUCCESS"), ("image.tables", "SUCCESS")}
        wait_until(lambda: wanted <= _listed_tasks(client, table), 30.0, "the tasks in Flower")
        # Flower by itself would not end while its broker is away; the system must not wait for it.
        system.process.send_signal(signal.SIGTERM)
        assert system.process.wait(60) == 0


def _page(client: httpx.Client, url: str) -> str:
    try:
        return client.get(url).text
    except httpx.TransportError:
        return ""


def _listed_tasks(client: httpx.Client, url: str) -> set[tuple[str, str]]:
    return {(row["name"], row["state"]) for row in client.get(url).json()["data"]}


def test_a_second_up_on_the_same_folder_is_refused(system: System) -> None:
    words = ["up", "--port", str(free_port()), "--data", str(system.data)]
    second = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "Another `jobengine up` runs on" in second.stderr


def test_a_child_that_dies_is_started_again(system: System) -> None:
    engine = next(child for child in system.children() if "jobengine.loops" in " ".join(child.cmdline()))
    engine.kill()
    done = system.run("submit", "nuclei", str(NUCLEI / "c0c4a829c8d3.png"), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stop_while_it_starts_is_acknowledged_and_kills_nothing_that_would_stop(tmp_path: Path) -> None:
    words = ["up", "--port", str(free_port()), "--data", str(tmp_path / "data"), "--workers", "1"]
    log = tmp_path / "data" / "logs" / "supervisord.log"
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"starting ...; what the processes say is in {log.parent}\n"
        wait_until(lambda: log.exists() and "spawned: 'flower'" in log.read_text(), 60.0, "the start of Flower")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "stopping ...\n"
    assert process.returncode == 0
    # What supervisord writes when a process has not stopped in the time that it was given.
    assert "killing" not in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_that_was_started(system: System, number: signal.Signals) -> None:
    children = system.children()
    assert len(children) >= 5
    system.process.send_signal(number)
    assert system.process.communicate(timeout=60)[0] == "stopping ...\n"
    assert system.process.returncode == 0
    wait_until(lambda: not any(child.is_running() for child in children), 5.0, "the end of all children")
