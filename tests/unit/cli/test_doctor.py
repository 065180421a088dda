"""The doctor says what is wrong and how to mend it, and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from jobengine.build import build
from jobengine.cli.findings import look_at_api
from jobengine.config import read_settings

pytestmark = pytest.mark.thorough

GOOD = """
from jobengine.runtime import step

@step("good.step", version="1", scope="file", result_kind="good")
def good(context):
    return {}
"""


def doctor(folder: Path, *words: str, **variables: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Exit code, findings by name and the standard error of one run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JOBENGINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "jobengine.cli", "doctor", "--json", *words],
        env={**kept, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    findings = json.loads(done.stdout) if done.stdout else []
    return done.returncode, {finding["name"]: finding for finding in findings}, done.stderr


def path_with(folder: Path) -> str:
    """PYTHONPATH with a folder in front."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


def test_an_empty_folder_is_told_how_to_begin(tmp_path: Path) -> None:
    code, found, error = doctor(tmp_path, JOBENGINE_REDIS_URL="redis://127.0.0.1:1/0")
    assert (code, error) == (1, "")
    assert "jobengine up" in found["data folder"]["mend"]
    assert "jobengine up" in found["ledger"]["mend"]
    assert "Redis" in found["redis"]["mend"]
    assert found["steps"]["ok"]
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_is_named_by_its_path_and_a_redis_that_is_down_by_its_place(tmp_path: Path) -> None:
    build(read_settings({"JOBENGINE_DATA_DIR": str(tmp_path)})).outside.store.close()
    _, found, _ = doctor(tmp_path, JOBENGINE_DATA_DIR=str(tmp_path), JOBENGINE_REDIS_URL="redis://127.0.0.1:1/0")
    assert found["ledger"]["detail"] == f"{tmp_path / 'ledger.sqlite'}: ok"
    said = "127.0.0.1:1: Redis cannot be reached at 127.0.0.1:1: Connection refused."
    assert found["redis"]["detail"] == said


def test_a_variable_that_nothing_reads_is_pointed_out(tmp_path: Path) -> None:
    code, found, _ = doctor(tmp_path, JOBENGINE_REDIS_ULR="redis://127.0.0.1:1/0")
    assert code == 1
    assert "JOBENGINE_REDIS_URL" in found["JOBENGINE_REDIS_ULR"]["mend"]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    _, found, _ = doctor(
        tmp_path, JOBENGINE_SECRET_KEY="hush-hush", JOBENGINE_REDIS_URL="redis://:hush-hush@127.0.0.1:1/0"
    )
    assert "hush-hush" not in json.dumps(found)


def test_an_unreadable_setting_is_named(tmp_path: Path) -> None:
    code, found, error = doctor(tmp_path, JOBENGINE_LEASE_SECONDS="soon")
    assert (code, error) == (1, "")
    assert "JOBENGINE_LEASE_SECONDS" in found["settings"]["detail"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("import no_such_module_anywhere\n", "no_such_module_anywhere"), ("exit(3)\n", "SystemExit: 3")],
)
def test_steps_that_do_not_load_are_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "brokensteps.py").write_text(text)
    (tmp_path / "goodsteps.py").write_text(GOOD)
    code, found, error = doctor(tmp_path, PYTHONPATH=path_with(tmp_path), JOBENGINE_STEPS="brokensteps,goodsteps")
    assert (code, error) == (1, "")
    assert reason in found["steps of brokensteps"]["detail"]
    assert {"good.step", "image.segment"} <= set(found["steps"]["detail"].split(", "))


def answer_with(status: int) -> type[BaseHTTPRequestHandler]:
    """A server that is ready, and answers everything else with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/ready" else status)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *words: object) -> None:
            pass

    return Handler


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, "is taken"),
        (401, "is refused (401)"),
        (429, "could not be tried: the API answered 429"),
        (500, "could not be tried: the API answered 500"),
    ],
)
def test_the_api_of_this_machine_is_asked_directly_and_only_a_refused_key_is_called_refused(
    monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with HTTPServer(("127.0.0.1", 0), answer_with(status)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/api/v1"
        api, key = look_at_api({"JOBENGINE_URL": url, "JOBENGINE_API_KEY": "je_key"})
        server.shutdown()
    assert (api.detail, api.mend) == (f"{url.removesuffix('/api/v1')} is ok", "")
    assert (key.detail, not key.mend) == (said, status == 200)
