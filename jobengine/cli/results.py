"""``jobengine results``: the results and artifacts of a job, as files in a folder."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from jobengine.cli.client import ApiClient, connect
from jobengine.cli.options import as_json

RESULTS = "results.json"
_NAME_BYTES = 150


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, writable=True, path_type=Path),
    help="The folder to write to, one for each job; what is made of one file goes into a folder of its own.",
)
@as_json
def results(job_id: str, out: Path, is_json: bool) -> None:
    """Download what a job has made so far: all results as results.json, and every artifact as a file."""
    api = connect()
    job = api.call("GET", "jobs", job_id)
    _refuse_other_job(out / RESULTS, job["id"])
    tasks = {task["id"]: task for task in api.all("jobs", job_id, "tasks")}
    names = {file["id"]: file["name"] for file in api.all("jobs", job_id, "files")}
    written = _write_results(out / RESULTS, api.all("jobs", job_id, "results"), tasks, names)
    for artifact, place in place_artifacts(job["artifacts"], tasks, names):
        _fetch(api, artifact["id"], out / place)
        written.append(str(out / place))
    if is_json:
        click.echo(json.dumps(written))
    else:
        click.echo("\n".join(written) or "The job has made nothing yet.", err=not written)


def _refuse_other_job(place: Path, job_id: str) -> None:
    """Two jobs in one folder would be a mixture: some files of the one, some of the other."""
    try:
        rows = json.loads(place.read_text())
    except FileNotFoundError:
        return
    except ValueError:
        rows = None
    if not isinstance(rows, list) or any(not isinstance(row, dict) or row.get("job") != job_id for row in rows):
        raise click.ClickException(f"{place} is not of this job, and nothing was written; name another folder.")


def _write_results(
    place: Path,
    found: Iterable[Mapping[str, Any]],
    tasks: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
) -> list[str]:
    """Write the results with the names of their nodes and files; the path, unless there are none."""
    rows = [
        {**row, "node": tasks.get(row["task"], {}).get("node"), "file_name": names.get(row["file"])} for row in found
    ]
    if not rows:
        return []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(rows, indent=2) + "\n")
    return [str(place)]


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
    count = Counter((folder, name.casefold()) for _, folder, name, _ in wanted) + Counter([("", RESULTS)])
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


def _fetch(api: ApiClient, artifact_id: str, place: Path) -> None:
    """Write the artifact under its name once all of it is there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{artifact_id}.part")
    try:
        with draft.open("wb") as target:
            api.download("artifacts", artifact_id, "content", target=target)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
