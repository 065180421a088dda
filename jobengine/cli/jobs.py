"""The commands of a client: submit, list, show, fetch results, cancel."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from jobengine.cli.client import ApiClient

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_WAIT_SECONDS = 0.5


@click.command()
@click.argument("pipeline")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--param", "params", multiple=True, metavar="STEP.NAME=VALUE", help="A parameter of a step.")
@click.option("--name", default="", help="What to call the job.")
@click.option("--parent", default=None, help="The job whose results the pipeline works on.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 1 unless the job succeeds.")
@as_json
def submit(
    pipeline: str,
    files: tuple[Path, ...],
    params: tuple[str, ...],
    name: str,
    parent: str | None,
    wait: bool,
    is_json: bool,
) -> None:
    """Upload FILES and run PIPELINE on them."""
    api = ApiClient()
    parameters = _parse_parameters(params)
    body = {"pipeline": pipeline, "files": _upload(api, files), "parameters": parameters, "name": name}
    job = api.call("POST", "/jobs", json={**body, "parent": parent})
    if not is_json:
        click.echo(f"job {job['id']} was accepted")
    if wait:
        job = _wait(api, job["id"])
    if is_json:
        click.echo(json.dumps(job))
    elif wait:
        click.echo(f"job {job['id']} {job['state']}")
        _tell_failures(api, job)
    sys.exit(1 if wait and job["state"] != "succeeded" else 0)


@click.command()
@click.option("--limit", default=20, show_default=True)
@as_json
def jobs(limit: int, is_json: bool) -> None:
    """List jobs, newest first."""
    items = ApiClient().call("GET", "/jobs", params={"limit": limit})["items"]
    if is_json:
        click.echo(json.dumps(items))
        return
    for job in items:
        line = f"{job['id']}  {job['state']:<9}  {job['percentage']:>3} %  {job['pipeline']}  {job['name']}"
        click.echo(line.rstrip())


@click.command()
@click.argument("job_id")
@as_json
def show(job_id: str, is_json: bool) -> None:
    """Show a job, and which of its files failed."""
    api = ApiClient()
    job = api.call("GET", f"/jobs/{job_id}")
    if is_json:
        click.echo(json.dumps(job))
        return
    counts = ", ".join(f"{count} {state}" for state, count in job["counts"].items() if count)
    click.echo(f"{job['id']}  {job['pipeline']}  {job['state']}  {job['percentage']} %  ({counts})")
    _tell_failures(api, job)


@click.command()
@click.argument("job_id")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write to.")
@as_json
def results(job_id: str, out: Path, is_json: bool) -> None:
    """Download the artifacts of a job."""
    api = ApiClient()
    job = api.call("GET", f"/jobs/{job_id}")
    files = {file_id: api.call("GET", f"/files/{file_id}")["name"] for file_id in job["files"]}
    of_task = {task["id"]: task for task in _all(api, f"/jobs/{job_id}/tasks")}
    written = []
    for artifact in job["artifacts"]:
        file_id = of_task[artifact["task_id"]]["file"]
        folder = out / safe_name(f"{files[file_id]}-{file_id[-6:]}") if file_id in files else out
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / safe_name(artifact["name"])
        with place.open("wb") as target:
            api.download(f"/api/v1/artifacts/{artifact['id']}/content", target)
        written.append(str(place))
    click.echo(json.dumps(written) if is_json else "\n".join(written))


@click.command()
@click.argument("job_id")
def cancel(job_id: str) -> None:
    """Cancel what is unfinished of a job."""
    job = ApiClient().call("POST", f"/jobs/{job_id}/cancel")
    click.echo(f"job {job['id']} {job['state']}")


def safe_name(name: str) -> str:
    """A name that stays in its folder, whatever the server sends."""
    return re.sub(r"[^\w.() -]", "_", name).lstrip(".")[:200] or "file"


def _parse_parameters(params: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = {}
    for param in params:
        place, equals, value = param.partition("=")
        node, dot, name = place.partition(".")
        if not (equals and dot and node and name):
            raise click.BadParameter(f"{param!r} is not STEP.NAME=VALUE, like segment.sigma=1.5", param_hint="--param")
        try:
            parsed.setdefault(node, {})[name] = json.loads(value)
        except ValueError:
            parsed.setdefault(node, {})[name] = value
    return parsed


def _upload(api: ApiClient, files: tuple[Path, ...]) -> list[str]:
    console = Console(stderr=True)
    uploaded = []
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("uploading", total=len(files))
        for path in files:
            with path.open("rb") as stream:
                answer = api.call("POST", "/files", files={"files": (path.name, stream)})
            uploaded.append(answer["items"][0]["id"])
            progress.advance(bar)
    return uploaded


def _wait(api: ApiClient, job_id: str) -> dict[str, Any]:
    console = Console(stderr=True)
    seen = -1
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("running", total=100)
        while True:
            job: dict[str, Any] = api.call("GET", f"/jobs/{job_id}")
            progress.update(bar, completed=job["percentage"])
            if not console.is_terminal and job["percentage"] != seen:
                seen = job["percentage"]
                click.echo(f"{seen} %", err=True)
            if job["finished_at"] is not None:
                return job
            time.sleep(_WAIT_SECONDS)


def _tell_failures(api: ApiClient, job: dict[str, Any]) -> None:
    if job["counts"]["failed"]:
        for task in _all(api, f"/jobs/{job['id']}/tasks", state="failed"):
            click.echo(f"failed: {task['node']} ({task['failure_kind']}): {task['message']}")


def _all(api: ApiClient, path: str, **criteria: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": "1000", **criteria, **({"cursor": cursor} if cursor else {})}
        page = api.call("GET", path, params=params)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
