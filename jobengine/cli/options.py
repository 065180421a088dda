"""Options that several commands take, and how they print what others have named."""

from __future__ import annotations

from pathlib import Path

import click

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of a `jobengine up`; else what the JOBENGINE_ variables say.",
)


def printable(line: str) -> str:
    """The line with signs that a terminal would obey spelled out; names and messages come from whoever submits."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
