"""What every test of SampleDB's pages needs: a client with its header, and a job."""

from __future__ import annotations

import hashlib
from typing import Any

from flask.testing import FlaskClient

from jobengine.domain.records import Role
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

V2 = "/sampledb/v2"
STASH = {"responseCode", "limit", "offset", "count", "size", "metaData", "messages", "data"}


def keyed(world: World, make_client: MakeClient, role: Role, owner: str = "lab") -> FlaskClient:
    """A client with the header of the page."""
    made = make_client(None)
    made.environ_base["HTTP_ARGUS_API_KEY"] = world.engine.create_key(owner, role)
    return made


def submit(client: FlaskClient, data: bytes = b"MZ", **body: Any) -> dict[str, Any]:
    """Submit a sample; its job."""
    added = client.post(f"{V2}/sample", data=data, content_type="application/octet-stream")
    assert added.status_code == 201, added.json
    sha256 = hashlib.sha256(data).hexdigest()
    assert added.json["data"]["sha256"] == sha256
    answer = client.post(f"{V2}/sample/{sha256}/submission", json=body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json["data"]["job"])


def found(client: FlaskClient, **criteria: Any) -> list[str]:
    """The IDs of the jobs that a search finds, in order."""
    answer = client.post(f"{V2}/job/search", json=criteria)
    assert answer.status_code == 200, answer.json
    assert answer.json["count"] == len(answer.json["data"])
    return [job["id"] for job in answer.json["data"]]
