"""ET Engine's batches, at the root and below ``/v1``."""

from flask import Blueprint, Response, request

from api.dialects.dialect import Dialect
from api.dialects.et_engine import batches, jobs
from api.dialects.et_engine.errors import render

_ROOMS = frozenset({"", "v1", "batches", "tools", "filesystems", "keys"})
"""All that the product has at its root, whether it is served here or not; below ``/v1`` there is nobody else."""


def _is_ours() -> bool:
    return request.path.split("/")[1] in _ROOMS


def show_root() -> Response:
    """That somebody is there, and where to read on; it needs no key."""
    return Response("Jobengine\n\nIts API is described at /api/docs.\n", mimetype="text/plain")


blueprint = Blueprint("et-engine", __name__)
for prefix in ("", "/v1"):
    where = prefix.strip("/") or "root"
    blueprint.add_url_rule(prefix or "/", f"root-{where}", show_root, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches", f"list-{where}", batches.list_batches, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches", f"clear-{where}", batches.delete_batches, methods=["DELETE"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>", f"status-{where}", batches.get_status, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>", f"delete-{where}", batches.delete_batch, methods=["DELETE"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>/jobs", f"jobs-{where}", jobs.list_jobs, methods=["GET"])
    blueprint.add_url_rule(f"{prefix}/batches/<batch_id>/jobs/<job_id>", f"job-{where}", jobs.get_job, methods=["GET"])

DIALECT = Dialect("et-engine", _is_ours, render, scheme="Bearer")

__all__ = ["DIALECT", "blueprint"]
