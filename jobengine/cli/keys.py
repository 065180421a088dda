"""``jobengine keys``: make API keys, with access to the ledger itself."""

from __future__ import annotations

import click

from jobengine.build import build
from jobengine.config import read_settings
from jobengine.domain.records import Role


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.option("--owner", required=True, help="Whose things are made and seen with the key.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="What the key is for.")
def create(owner: str, role: str, name: str) -> None:
    """Make a key and print it, once; only its hash is kept."""
    click.echo(build(read_settings()).engine.create_key(owner, Role(role), name))
