"""``jobengine backup``: a copy of everything that must survive, while the system runs."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import click

from jobengine.build import copy_ledger
from jobengine.cli.local import ledger_is_missing, local_settings
from jobengine.cli.options import data_option
from jobengine.config import Settings

_KEPT_FILES = ("secret.key", "admin.key")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@data_option
def backup(folder: Path, data: Path | None) -> None:
    """Copy ledger, artifacts and keys into the new FOLDER; jobs may run meanwhile.

    The copy is a data folder: `jobengine up --data FOLDER` goes on from it. For PostgreSQL and S3 use their own tools,
    the ledger first.
    """
    settings = local_settings(data)
    if settings.ledger_url or settings.artifacts_url:
        raise click.ClickException("This ledger is not in the data folder; use pg_dump, see docs/operations.md.")
    if ledger_is_missing(settings):
        raise click.ClickException(f"There is no ledger in {settings.data_path.absolute()}; name the folder by --data.")
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty; name a new folder.")
    copied = copy_data(settings, folder)
    click.echo(f"copied the ledger and {copied} artifacts to {folder.absolute()}")


def copy_data(settings: Settings, folder: Path) -> int:
    """Copy the ledger first: the bytes that its rows name are there by then, and stay; how many were copied."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy_ledger(settings, folder / "ledger.sqlite")
    for name in _KEPT_FILES:
        with suppress(FileNotFoundError):
            shutil.copy2(settings.data_path / name, folder / name)
    source = settings.data_path / "artifacts"
    copied = 0
    for path in source.glob("??/??/*"):
        place = folder / "artifacts" / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        # What was deleted meanwhile, no job needs any more.
        with suppress(FileNotFoundError):
            _copy(path, place)
            copied += 1
    return copied


def _copy(path: Path, place: Path) -> None:
    # Contents never change, so on the same disk a second name is as good as a copy.
    try:
        os.link(path, place)
    except OSError:
        shutil.copy2(path, place)
