"""``jobengine submit``: upload files and run a pipeline on them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from jobengine.cli.client import connect
from jobengine.cli.jobs import tell_failures, wait_for_end
from jobengine.cli.options import as_json
from jobengine.cli.parameters import parse_parameters
from jobengine.cli.progress import outlast, refuse_same_files, upload_files


def _split(ctx: click.Context, option: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{word!r} is not NAME=VALUE, like plate=7.")
        if name in labels:
            raise click.BadParameter(f"{name} is given twice.")
        labels[name] = value
    return labels


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
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=VALUE", callback=_split, help="By which `jobs --label` finds it."
)
@click.option("--parent", metavar="JOB", help="The job whose results the pipeline works on.")
@click.option("--priority", type=click.IntRange(0, 9), help="9 goes first.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 1 unless the job succeeds.")
@as_json
def submit(
    pipeline: str,
    files: tuple[Path, ...],
    params: tuple[str, ...],
    name: str,
    labels: dict[str, str],
    parent: str | None,
    priority: int | None,
    wait: bool,
    is_json: bool,
) -> None:
    """Upload FILES and run PIPELINE on them."""
    api = connect()
    parameters = parse_parameters(api, pipeline, params, parent)
    body: dict[str, Any] = {"pipeline": pipeline, "parameters": parameters, "name": name, "labels": labels}
    refuse_same_files(files)
    if parent is not None:
        body["parent"] = api.call("GET", "jobs", parent)["id"]
    body |= {} if priority is None else {"priority": priority}
    body["files"] = upload_files(api, files)
    # With the key it may be sent again after an answer that was lost, and is one job.
    job = outlast(partial(api.call, "POST", "jobs", json=body, headers={"Idempotency-Key": uuid4().hex}))
    if not is_json:
        click.echo(f"job {job['id']} was accepted")
    if wait:
        job = wait_for_end(api, job["id"])
    if is_json:
        click.echo(json.dumps(job))
    elif wait:
        click.echo(f"job {job['id']} {job['state']}")
        tell_failures(api, job)
    sys.exit(1 if wait and job["state"] != "succeeded" else 0)
