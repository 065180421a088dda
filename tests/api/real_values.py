"""Real values in a description: generated requests then name what is there as often as what is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PATH = {
    "file_id": ("file", "spare_file"),
    "job_id": ("job", "failed_job", "open_job"),
    "task_id": ("task", "open_task"),
    "pipeline_id": ("draft", "published"),
    **{f"{name}_id": (name,) for name in ("result", "artifact", "batch", "key")},
}
_OWN_PATH = {
    # One that has ended and can be done again; one that takes tasks; a task that may be moved; a draft.
    "retry_job": "failed_job",
    "add_task": "open_job",
    "move_task": "open_task",
    "change_draft": "draft",
    "publish": "draft",
    "retire": "published",
    "delete_file": "spare_file",
}


def name_real_things(document: dict[str, Any], ids: Mapping[str, str], other_owner: str) -> None:
    """Put what there is beside each pattern of the document, in place."""
    known = {name: [ids[key] for key in keys] for name, keys in _PATH.items()}
    # The limits of whoever asks stay as they are: a limit on requests would refuse all that follow.
    known["owner_id"] = [other_owner]
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                # Each operation has its own, as not every one of a kind will do.
                shared = [parameter for parameter in item.get("parameters", []) if parameter["in"] == "path"]
                operation["parameters"] = [
                    *operation.get("parameters", []),
                    *(_with_ids(parameter, operation, known, ids) for parameter in shared),
                ]
    _name_in_bodies(document["components"]["schemas"], ids)
    _give_examples(document["paths"], ids)


def _with_ids(
    parameter: dict[str, Any], operation: dict[str, Any], known: Mapping[str, list[str]], ids: Mapping[str, str]
) -> dict[str, Any]:
    own = _OWN_PATH.get(operation.get("operationId", ""))
    values = [ids[own]] if own else known[parameter["name"]]
    return {**parameter, "schema": _or(values, parameter["schema"])}


def _name_in_bodies(schemas: dict[str, Any], ids: Mapping[str, str]) -> None:
    job = schemas["NewJob"]["properties"]
    job["pipeline"] = _or(["noop", "external"], job["pipeline"])
    job["files"] = _or([[ids["file"]], [ids["spare_file"], ids["file"]]], job["files"])
    job["parameters"] = _or([{}, {"noop": {}}], job["parameters"])
    job["parent"] = _or([None, ids["job"]], job["parent"])
    node = schemas["Node"]["properties"]
    node["step"] = _or(["test.noop", "test.segment"], node["step"])
    node["after"] = _or([[]], node["after"])
    node["from_parent"] = _or([[]], node["from_parent"])
    node["parameters"] = _or([{}], node["parameters"])
    draft = schemas["Draft"]["properties"]
    draft["name"] = _or(["mine"], draft["name"])


def _give_examples(paths: dict[str, Any], ids: Mapping[str, str]) -> None:
    """What a generator would hardly come upon: a whole body that is accepted, a token, a range."""
    job = {"pipeline": "noop", "files": [ids["file"]]}
    draft = {"name": "mine", "nodes": [{"key": "noop", "step": "test.noop"}]}
    for path, method, body in (
        ("/jobs", "post", job),
        ("/batches", "post", {"jobs": [job, job]}),
        ("/pipelines", "post", draft),
        ("/pipelines/validate", "post", draft),
        ("/pipelines/{pipeline_id}", "put", draft),
    ):
        paths[f"/api/v1{path}"][method]["requestBody"]["content"]["application/json"]["example"] = body
    for item in paths.values():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["name"] == "Range":
                parameter["schema"] = _or(["bytes=0-4", "bytes=-1", "bytes=999999-"], parameter["schema"])
            if parameter["name"] == "token":
                parameter["schema"] = _or([ids["token"]], parameter["schema"])


def _or(values: list[Any], schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"enum": values}, schema]}
