"""The commands of a client: submit, list, show, cancel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from jobengine.cli.client import ApiClient, connect
from jobengine.cli.parameters import parse_parameters
from jobengine.cli.progress import refuse_same_files, upload_files, wait_for_job

STATES = ("pending", "running", "succeeded", "failed", "canceled")

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("pipeline")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter: segment.sigma=1.5, or sigma=1.5 where one step has it. The value is JSON or text.",
)
@click.option("--name", default="", help="What to call the job.")
@click.option("--parent", metavar="JOB", help="The job whose results the pipeline works on.")
@click.option("--priority", type=click.IntRange(0, 9), help="9 goes first.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 1 unless the job succeeds.")
@as_json
def submit(
    pipeline: str,
    files: tuple[Path, ...],
    params: tuple[str, ...],
    name: str,
    parent: str | None,
    priority: int | None,
    wait: bool,
    is_json: bool,
) -> None:
    """Upload FILES and run PIPELINE on them."""
    api = connect()
    body: dict[str, Any] = {"pipeline": pipeline, "parameters": parse_parameters(api, pipeline, params), "name": name}
    refuse_same_files(files)
    body |= {} if parent is None else {"parent": parent}
    body |= {} if priority is None else {"priority": priority}
    job = api.call("POST", "jobs", json={**body, "files": upload_files(api, files)})
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
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only jobs in these states.")
@click.option("--pipeline", help="Only jobs of this pipeline.")
@as_json
def jobs(limit: int, states: tuple[str, ...], pipeline: str | None, is_json: bool) -> None:
    """List jobs, newest first."""
    criteria: dict[str, Any] = {"limit": limit, "state": list(states)}
    items = connect().call("GET", "jobs", params=criteria | ({"pipeline": pipeline} if pipeline else {}))["items"]
    if is_json:
        click.echo(json.dumps(items))
        return
    for job in items:
        line = f"{job['id']}  {job['state']:<9}  {job['percentage']:>3} %  {job['pipeline']}  {job['name']}"
        click.echo(line.rstrip())


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait for the end first; exit code 1 unless the job succeeds.")
@as_json
def show(job_id: str, wait: bool, is_json: bool) -> None:
    """Show a job, and which of its files failed."""
    api = connect()
    job = _wait(api, job_id) if wait else api.call("GET", "jobs", job_id)
    if is_json:
        click.echo(json.dumps(job))
    else:
        _tell(api, job)
    sys.exit(1 if wait and job["state"] != "succeeded" else 0)


def _tell(api: ApiClient, job: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in job["counts"].items() if count)
    click.echo(f"job {job['id']}  {job['state']}  {job['percentage']} %  ({counts})")
    about = {"name": job["name"], "pipeline": f"{job['pipeline']}@{job['pipeline_version']}"}
    about |= {key: job[f"{key}_at"] for key in ("created", "started", "finished")}
    about |= {"files": len(job["files"]), "artifacts": len(job["artifacts"])}
    for key, value in about.items():
        if value not in (None, ""):
            click.echo(f"{key + ':':<11}{value}")
    _tell_failures(api, job)


@click.command()
@click.argument("job_id", metavar="ID")
@as_json
def cancel(job_id: str, is_json: bool) -> None:
    """Cancel what is unfinished of a job."""
    job = connect().call("POST", "jobs", job_id, "cancel")
    click.echo(json.dumps(job) if is_json else f"job {job['id']} {job['state']}")


def _wait(api: ApiClient, job_id: str) -> dict[str, Any]:
    """Wait for the end; who leaves before is told that the job does not."""
    try:
        return wait_for_job(api, job_id)
    except KeyboardInterrupt:
        click.echo(
            f"The job {job_id} goes on. `jobengine show {job_id} --wait` waits again, `jobengine cancel {job_id}` "
            "ends it.",
            err=True,
        )
        sys.exit(130)


def _tell_failures(api: ApiClient, job: dict[str, Any]) -> None:
    if job["counts"]["failed"]:
        for task in api.all("jobs", job["id"], "tasks", state="failed"):
            click.echo(f"failed: {task['node']} ({task['failure_kind']}): {task['message']}")
