"""What clients need to begin: a key, and files to work on."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.acceptance.system import NUCLEI, System

IMAGES = sorted(NUCLEI.glob("*.png"))[:2]


def key_of(system: System, owner: str, role: str) -> str:
    """A new key."""
    made = system.run("keys", "create", "--owner", owner, "--role", role, "--data", str(system.data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def native_client(system: System, key: str) -> httpx.Client:
    """A client of our own API, for what the products' APIs have no way to do."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"{system.url}/api/v1", headers=headers, timeout=60)


def upload(native: httpx.Client, paths: list[Path]) -> list[str]:
    """Upload files; their IDs."""
    answer = native.post("/files", files=[("files", (path.name, path.read_bytes())) for path in paths])
    assert answer.status_code == 201, answer.text
    return [item["id"] for item in answer.json()["items"]]
