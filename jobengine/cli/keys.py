"""``jobengine keys``: make API keys, through the API with an administrator's key, else in the ledger itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from jobengine.cli.client import connect
from jobengine.cli.local import ledger_is_missing, local_settings
from jobengine.cli.options import as_json, data_option
from jobengine.domain.records import Role


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.option("--owner", required=True, help="Whose things are made and seen with the key; made where there is none.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="viewer: reads; submitter: uploads, submits, cancels, deletes, too; analyzer: reads, and moves tasks from "
    "outside; admin: all of it, for everybody.",
)
@click.option("--name", default="", help="What the key is for.")
@data_option
@as_json
def create(owner: str, role: str, name: str, data: Path | None, is_json: bool) -> None:
    """Make a key and print it, once; only its hash is kept.

    Asks the API where JOBENGINE_API_KEY is set and --data is not; otherwise writes to the ledger of this machine.
    """
    if os.environ.get("JOBENGINE_API_KEY") and data is None:
        key = connect().call("POST", "keys", json={"owner": owner, "role": role, "name": name})["key"]
    else:
        key = _create_locally(owner, Role(role), name, data)
    click.echo(json.dumps({"key": key, "owner": owner, "role": role}) if is_json else key)


def _create_locally(owner: str, role: Role, name: str, data: Path | None) -> str:
    # Here, because an administrator who asks the API needs no ledger.
    from jobengine.build import build

    settings = local_settings(data)
    if ledger_is_missing(settings):
        raise click.ClickException(
            f"There is no ledger in {settings.data_path.absolute()}. Set JOBENGINE_API_KEY to an administrator's key, "
            "name the folder of a `jobengine up` with --data, or set JOBENGINE_LEDGER_URL."
        )
    return build(settings).engine.create_key(owner, role, name)
