"""``jobengine results``: the artifacts of a job, as files in a folder."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from jobengine.cli.client import ApiClient, connect
from jobengine.cli.jobs import as_json

_NAME_BYTES = 150


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    help="The folder to write to; what is made of one file goes into a folder of its own.",
)
@as_json
def results(job_id: str, out: Path, is_json: bool) -> None:
    """Download what a job has made so far."""
    api = connect()
    job = api.call("GET", "jobs", job_id)
    tasks = {task["id"]: task for task in api.all("jobs", job_id, "tasks")}
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for artifact, place in place_artifacts(job["artifacts"], tasks, _file_names(api, job["files"])):
        _fetch(api, artifact["id"], out / place)
        written.append(str(out / place))
    if is_json:
        click.echo(json.dumps(written))
    else:
        click.echo("\n".join(written) or "The job has made no files yet.", err=not written)


def place_artifacts(
    artifacts: Iterable[Mapping[str, Any]], tasks: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> list[tuple[Mapping[str, Any], Path]]:
    """Each artifact with its own relative path, safe whatever the names are.

    What was made of a file lies in a folder named after it; where two things would get one name, the step that made
    each is part of it.
    """
    wanted = []
    for artifact in artifacts:
        task = tasks.get(artifact["task_id"], {})
        file_id = task.get("file")
        folder = safe_name(f"{names.get(file_id, 'file')}-{file_id}") if file_id else ""
        wanted.append((artifact, folder, safe_name(artifact["name"]), safe_name(str(task.get("node", "step")))))
    count = Counter((folder, name.casefold()) for _, folder, name, _ in wanted)
    placed: dict[Path, Mapping[str, Any]] = {}
    for artifact, folder, name, node in wanted:
        place = Path(folder, name if count[folder, name.casefold()] == 1 else f"{node}-{name}")
        placed[place if place not in placed else place.with_name(f"{artifact['id']}-{name}")] = artifact
    return [(artifact, place) for place, artifact in placed.items()]


def safe_name(name: str) -> str:
    """A name that stays in its folder on every system, whatever the server sends."""
    plain = re.sub(r"[^\w.() -]", "_", name).lstrip(". ")
    encoded = plain.encode(errors="replace")
    if len(encoded) > _NAME_BYTES:
        # The end stays: it has the extension, or the ID.
        plain = (encoded[: _NAME_BYTES - 50] + b"_" + encoded[-49:]).decode(errors="ignore")
    return plain.rstrip(". ") or "file"


def _file_names(api: ApiClient, file_ids: Iterable[str]) -> dict[str, str]:
    return {file_id: api.call("GET", "files", file_id)["name"] for file_id in file_ids}


def _fetch(api: ApiClient, artifact_id: str, place: Path) -> None:
    """Write the artifact under its name once all of it is there."""
    place.parent.mkdir(exist_ok=True)
    draft = place.with_name(f".{artifact_id}.part")
    try:
        with draft.open("wb") as target:
            api.download("artifacts", artifact_id, "content", target=target)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
