"""The commands of a client for its jobs: list, show, explain, cancel."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import click

from jobengine.cli.client import ApiClient, connect
from jobengine.cli.options import as_json, printable
from jobengine.cli.progress import wait_for_job

STATES = ("pending", "running", "succeeded", "failed", "canceled")


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only jobs in these states.")
@click.option("--pipeline", help="Only jobs of this pipeline.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Only jobs with this label.")
@as_json
def jobs(limit: int, states: tuple[str, ...], pipeline: str | None, labels: tuple[str, ...], is_json: bool) -> None:
    """List jobs, newest first."""
    criteria: dict[str, Any] = {"limit": limit, "state": list(states), "label": list(labels)}
    items = connect().call("GET", "jobs", params=criteria | ({"pipeline": pipeline} if pipeline else {}))["items"]
    if is_json:
        click.echo(json.dumps(items))
        return
    if not items:
        click.echo("There are no such jobs." if states or pipeline or labels else "There are no jobs yet.", err=True)
    for job in items:
        line = f"{job['id']}  {job['state']:<9}  {job['percentage']:>3} %  {job['pipeline']}  {job['name']}"
        click.echo(printable(line.rstrip()))


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait for the end first; exit code 1 unless the job succeeds.")
@as_json
def show(job_id: str, wait: bool, is_json: bool) -> None:
    """Show a job, and which of its files failed."""
    api = connect()
    # Asked once before it is waited for: an API that was never reached is said to be away, and not waited for.
    job = api.call("GET", "jobs", job_id)
    if wait:
        job = wait_for_end(api, job_id)
    if is_json:
        click.echo(json.dumps(job))
    else:
        _tell(api, job)
    sys.exit(1 if wait and job["state"] != "succeeded" else 0)


@click.command()
@click.argument("job_id", metavar="ID")
@as_json
def explain(job_id: str, is_json: bool) -> None:
    """Say of each unfinished task of a job why it is where it is."""
    found = connect().call("GET", "jobs", job_id, "explain")
    if is_json:
        click.echo(json.dumps(found))
        return
    if not found["tasks"]:
        click.echo(f"The job is {found['state']}; nothing of it is unfinished.")
    # Many tasks wait for the same: each reason is said once, with the first of its tasks.
    told: Counter[tuple[str, str]] = Counter((task["node"], task["reason"]) for task in found["tasks"])
    for task in found["tasks"]:
        more = told.pop((task["node"], task["reason"]), 0)
        if more:
            others = f" (and {more - 1} more like it)" if more > 1 else ""
            click.echo(printable(f"{task['node']} {task['state']}: {task['sentence']}{others}"))


def _tell(api: ApiClient, job: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in job["counts"].items() if count)
    click.echo(f"job {job['id']}  {job['state']}  {job['percentage']} %  ({counts})")
    about = {"name": job["name"], "pipeline": f"{job['pipeline']}@{job['pipeline_version']}"}
    about |= {key: job[f"{key}_at"] for key in ("created", "started", "finished")}
    about |= {"files": len(job["files"]), "artifacts": len(job["artifacts"])}
    for key, value in about.items():
        if value not in (None, ""):
            click.echo(printable(f"{key + ':':<11}{value}"))
    tell_failures(api, job)


@click.command()
@click.argument("job_id", metavar="ID")
@as_json
def cancel(job_id: str, is_json: bool) -> None:
    """Cancel what is unfinished of a job."""
    job = connect().call("POST", "jobs", job_id, "cancel")
    click.echo(json.dumps(job) if is_json else f"job {job['id']} {job['state']}")


def wait_for_end(api: ApiClient, job_id: str) -> dict[str, Any]:
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


def tell_failures(api: ApiClient, job: dict[str, Any]) -> None:
    """Say which tasks of the job failed, on which files, and why."""
    if not job["counts"]["failed"]:
        return
    names = {file["id"]: file["name"] for file in api.all("jobs", job["id"], "files")}
    for task in api.all("jobs", job["id"], "tasks", state="failed"):
        place = f"{task['node']} of {names[task['file']]}" if task["file"] in names else task["node"]
        click.echo(printable(f"failed: {place} ({task['failure_kind']}): {task['message']}"))
