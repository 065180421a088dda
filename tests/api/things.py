"""One of everything that an owner can have, made through the API."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient

from jobengine.domain.ids import to_uuid
from jobengine.domain.records import Role
from jobengine.domain.reports import ReportKind
from tests.api.conftest import MakeClient
from tests.unit.engine.world import World

DRAFT = {"name": "mine", "nodes": [{"key": "noop", "step": "test.noop"}]}


class Things:
    """One of everything, all of one owner."""

    def __init__(self, world: World, make_client: MakeClient, owner: str) -> None:
        self.client = make_client(Role.SUBMITTER, owner)
        self.analyzer = make_client(Role.ANALYZER, owner)
        self.admin = make_client(Role.ADMIN, "root")
        files = [self.upload(f"{owner} {number}.png") for number in range(3)]
        cells, masked = (self.post("/jobs", {"pipeline": "cells", "files": files[:1]}) for _ in range(2))
        world.finish()
        self.post("/jobs", {"pipeline": "masks", "parent": masked["id"]})
        world.finish()
        job = self.post("/jobs", {"pipeline": "noop", "files": files[:1]})
        run(world)
        failed = self.post("/jobs", {"pipeline": "noop", "files": files[:1]})
        world.finish(lambda delivery, task: {"kind": "step", "message": "no"})
        open_job = self.post("/jobs", {"pipeline": "external"})
        open_task = self.post(f"/jobs/{open_job['id']}/tasks", {"worker": "w0"}, self.analyzer)
        detail = self.get(f"/jobs/{job['id']}")
        published = self.post("/pipelines", {**DRAFT, "name": "published"})
        self.post(f"/pipelines/{published['id']}/publish", None)
        batch = self.post("/batches", {"jobs": [{"pipeline": "noop", "files": files[:1]}]})
        self.ids = {
            "file": files[0],
            "spare_file": files[2],
            "sample": self.get(f"/files/{files[0]}")["sha256"],
            "job": job["id"],
            "cells_job": cells["id"],
            "masked_job": masked["id"],
            "failed_job": failed["id"],
            "open_job": open_job["id"],
            "open_task": open_task["id"],
            "task": self.get(f"/jobs/{job['id']}/tasks")["items"][0]["id"],
            "result": detail["results"][0],
            "artifact": detail["artifacts"][0]["id"],
            "batch": batch["id"],
            "batch_job": batch["jobs"][0],
            "draft": self.post("/pipelines", DRAFT)["id"],
            "published": published["id"],
            "owner": self.get("/me")["owner"]["id"],
            "key": self.post("/keys", {"owner": owner, "role": "viewer"}, self.admin)["id"],
        }
        self.ids |= {f"{name}_uuid": to_uuid(self.ids[name]) for name in ("job", "batch", "batch_job")}

    def upload(self, name: str) -> str:
        """A file's ID."""
        answer = self.client.post("/api/v1/files", data={"files": (io.BytesIO(name.encode()), name)})
        return str(answer.json["items"][0]["id"])

    def post(self, path: str, body: Any, client: FlaskClient | None = None) -> dict[str, Any]:
        """The answer to a request that must work."""
        answer = (client or self.client).post(f"/api/v1{path}", json=body)
        assert answer.status_code in (200, 201), answer.json
        return dict(answer.json)

    def get(self, path: str) -> dict[str, Any]:
        """The answer to a request that must work."""
        answer = self.client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.json
        return dict(answer.json)


def run(world: World) -> None:
    """Run what there is; each task saves an artifact."""
    stored = world.artifacts.put(io.BytesIO(b"0123456789"))
    saved = {"name": "table.csv", "media_type": "text/csv", "size_bytes": 10, "sha256": stored.sha256}
    for delivery in world.take():
        for task in delivery.tasks:
            world.say(ReportKind.SUCCEEDED, delivery, task, result={}, artifacts=[saved])
    world.engine.record()
