"""ET Engine's batches, at the root and below ``/v1``."""

from flask import Blueprint, request

from api.dialects.dialect import Dialect
from api.dialects.et_engine import batches, jobs
from api.dialects.et_engine.errors import render


def _is_ours() -> bool:
    return request.path.removeprefix("/v1").split("/")[1:2] == ["batches"]


blueprint = Blueprint("et-engine", __name__)
for prefix in ("", "/v1"):
    where = prefix.strip("/") or "root"
    blueprint.add_url_rule(f"{prefix}/batches", f"list-{where}", batches.list_batches, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches", f"clear-{where}", batches.delete_batches, methods=["DELETE"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>", f"status-{where}", batches.get_status, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>", f"delete-{where}", batches.delete_batch, methods=["DELETE"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>/jobs", f"jobs-{where}", jobs.list_jobs, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>/jobs/<job_id>", f"job-{where}", jobs.get_job, methods=["GET"])

DIALECT = Dialect("et-engine", _is_ours, render)

__all__ = ["DIALECT", "blueprint"]
