"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of a `jobengine up`; else what the JOBENGINE_ variables say.",
)
