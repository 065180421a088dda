"""What is deployed is what runs: the commands of the compose file, as they stand, on PostgreSQL and Redis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from jobengine import __version__
from jobengine.build import build
from jobengine.config import PREFIX, Settings, read_settings
from jobengine.domain.records import Role
from tests.acceptance.system import NUCLEI
from tests.postgresql_server import PostgresqlServer, running_postgresql
from tests.servers import RedisServer, free_port, wait_until

pytestmark = pytest.mark.acceptance

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for document in yaml.safe_load_all(path.read_text())
]
OURS = ("web", "engine", "worker", "flower")


def deployments() -> dict[str, dict[str, Any]]:
    """The containers of the manifests by name."""
    found = [document for document in MANIFESTS if document["kind"] == "Deployment"]
    containers = [document["spec"]["template"]["spec"]["containers"][0] for document in found]
    return {container["name"]: container for container in containers}


@contextmanager
def spawned(name: str, folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A service's command, as it stands in the compose file, for as long as the block runs."""
    program, *words = COMPOSE["services"][name]["command"]
    command = [str(Path(sys.executable).with_name(program)), *words]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def environment_of(name: str, folder: Path, addresses: dict[str, str]) -> dict[str, str]:
    """What the compose file gives the service, with the addresses of this test's servers."""
    given = {key: str(value) for key, value in COMPOSE["services"][name]["environment"].items()}
    ours = {key: value for key, value in addresses.items() if key in given}
    return {**os.environ, **given, **ours, "JOBENGINE_DATA_DIR": str(folder)}


def test_the_commands_of_the_compose_file_run_a_job(tmp_path: Path) -> None:
    with ExitStack() as stack:
        postgresql: PostgresqlServer = stack.enter_context(running_postgresql())
        (tmp_path / "redis").mkdir()
        redis = RedisServer(tmp_path / "redis", free_port())
        redis.start()
        stack.callback(redis.kill)
        port, flower_port = free_port(), free_port()
        addresses = {
            "JOBENGINE_LEDGER_URL": postgresql.create_database("compose"),
            "JOBENGINE_REDIS_URL": redis.url,
            "JOBENGINE_ARTIFACTS_URL": (tmp_path / "artifacts").as_uri(),
            "JOBENGINE_SECRET_KEY": "a secret of this test alone",
            "JOBENGINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        local = {
            "web": {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"},
            "flower": {"FLOWER_ADDRESS": "127.0.0.1", "FLOWER_PORT": str(flower_port), "FLOWER_BASIC_AUTH": "a:b"},
        }
        engine = build(read_settings({**addresses, "JOBENGINE_DATA_DIR": str(tmp_path)})).engine
        headers = {"Authorization": f"Bearer {engine.create_key('lab', Role.SUBMITTER)}"}
        for name in ("engine", *OURS):  # two engines, as the file says
            environment = environment_of(name, tmp_path, {**addresses, **local.get(name, {})})
            stack.enter_context(spawned(name, tmp_path, environment))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
            wait_until(lambda: answers(http, "/health/ready"), 60, "the web server")
            wait_until(lambda: "nuclei" in http.get("/api/v1/pipelines").text, 60, "the worker's announcement")
            with (NUCLEI / "c0c4a829c8d3.png").open("rb") as image:
                file_id = http.post("/api/v1/files", files={"files": image}).json()["items"][0]["id"]
            job = http.post("/api/v1/jobs", json={"pipeline": "nuclei", "files": [file_id]}).json()
            wait_until(lambda: http.get(f"/api/v1/jobs/{job['id']}").json()["finished_at"], 120, "the job")
            assert http.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "succeeded"
            wait_until(lambda: answers(http, f"http://127.0.0.1:{flower_port}/", 401), 30, "Flower")
            ports = {"8080": str(port), "5555": str(flower_port), "redis": str(redis.port)}
            for name in (*OURS, "redis"):
                environment = environment_of(name, tmp_path, addresses) if name != "redis" else dict(os.environ)
                wait_until(partial(is_healthy, name, environment, ports), 30, f"the health of {name}")
            metrics = http.get("/metrics").text
            assert 'jobengine_jobs{state="succeeded"} 1.0' in metrics
            assert "jobengine_ledger_up 1.0" in metrics
            redis.kill()
            (tmp_path / "worker.alive").unlink()
            (tmp_path / "engine.alive").unlink()
            for name in ("engine", "worker"):
                environment = environment_of(name, tmp_path, addresses)
                wait_until(partial(is_healthy, name, environment, ports), 30, f"a heartbeat of {name} without Redis")
            # Flower does not end while its broker is away.
            redis.start()


def is_healthy(name: str, environment: dict[str, str], ports: dict[str, str]) -> bool:
    """Whether the service's health check, as it stands but for the ports, says so."""
    _, program, *words = COMPOSE["services"][name]["healthcheck"]["test"]
    words = [re.sub(r":(8080|5555)/", lambda found: f":{ports[found[1]]}/", word) for word in words]
    if name == "redis":
        words = ["-p", ports["redis"], *words]
    command = [str(Path(sys.executable).with_name(program)), *words]
    return subprocess.run(command, env=environment, capture_output=True, timeout=30).returncode == 0


def answers(http: httpx.Client, address: str, status: int = 200) -> bool:
    """Whether there is an answer with that status."""
    try:
        return http.get(address).status_code == status
    except httpx.HTTPError:
        return False


def test_the_compose_file_sets_only_what_the_settings_know_and_names_only_what_is_there() -> None:
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)}
    volumes = set(COMPOSE["volumes"])
    for name, service in COMPOSE["services"].items():
        used = {key for key in service.get("environment", {}) if key.startswith(PREFIX)}
        assert used <= known, name
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= volumes, name
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"]), name
        assert all(published.startswith("127.0.0.1:") for published in service.get("ports", [])), name


def test_every_service_has_a_health_check_and_ours_have_somebody_to_bury_orphans() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
    assert all(COMPOSE["services"][name]["init"] for name in OURS)


def test_the_probes_of_the_manifests_are_those_of_the_compose_file() -> None:
    for name in ("engine", "worker"):
        probe = deployments()[name]["livenessProbe"]["exec"]["command"]
        assert ["CMD", *probe] == COMPOSE["services"][name]["healthcheck"]["test"]


def test_the_image_is_that_of_this_release() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert [(image["name"], image["newTag"]) for image in kustomization["images"]] == [("jobengine", __version__)]
    assert {container["image"] for container in deployments().values()} == {"jobengine"}
    assert {COMPOSE["services"][name]["image"] for name in OURS} == {f"jobengine:{__version__}"}


def test_the_namespace_that_the_manifests_live_in_is_made() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    made = {document["metadata"]["name"] for document in MANIFESTS if document["kind"] == "Namespace"}
    assert made == {kustomization["namespace"]}
    present = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert present - set(kustomization["resources"]) == {"kustomization.yaml", "secret.example.yaml"}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")
def test_every_manifest_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_the_manifests_run_the_commands_that_the_compose_file_runs() -> None:
    commands = {name: container["command"] for name, container in deployments().items()}
    assert commands == {name: COMPOSE["services"][name]["command"] for name in OURS}


def test_the_manifests_set_only_what_the_settings_know() -> None:
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)}
    given = {
        key
        for document in MANIFESTS
        for section in ("data", "stringData")
        for key in document.get(section, {})
        if key.startswith(PREFIX)
    }
    assert given <= known
    assert "JOBENGINE_LEDGER_URL" in given


def test_only_web_and_engine_are_given_the_ledger_and_what_signs() -> None:
    kept = {
        (document["kind"], document["metadata"]["name"]): set(document.get("data") or document.get("stringData") or ())
        for document in MANIFESTS
    }
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    for name, container in deployments().items():
        sources = [(kinds[kind], found["name"]) for source in container["envFrom"] for kind, found in source.items()]
        given = set().union(*(kept[source] for source in sources))
        composed = set(COMPOSE["services"][name]["environment"])
        for private in ("JOBENGINE_LEDGER_URL", "JOBENGINE_SECRET_KEY"):
            is_given = name in ("web", "engine")
            assert (private in given, private in composed) == (is_given, is_given), name
        assert {"JOBENGINE_REDIS_URL", "JOBENGINE_ARTIFACTS_URL"} <= given & composed, name
        assert ("FLOWER_BASIC_AUTH" in given) is (name == "flower"), name


def test_every_variable_of_the_compose_file_has_a_default_or_must_be_set() -> None:
    for variable in re.findall(r"\$\{([^}]*)\}", (DEPLOY / "compose.yaml").read_text()):
        assert ":-" in variable or ":?" in variable, variable
