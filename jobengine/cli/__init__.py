"""The ``jobengine`` command."""

from __future__ import annotations

import sys

import click

from jobengine import __version__
from jobengine.cli.engine import check_settings, engine
from jobengine.cli.jobs import cancel, jobs, results, show, submit
from jobengine.cli.keys import keys
from jobengine.cli.up import up
from jobengine.domain.errors import EngineError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobengine")
def commands() -> None:
    """A self-hosted analysis job engine."""


for command in (up, submit, jobs, show, results, cancel, keys, engine, check_settings):
    commands.add_command(command)


def main() -> None:
    """Run the command; what a user did wrong is one sentence and exit code 1, never a traceback."""
    try:
        commands()
    except EngineError as error:
        click.echo(f"jobengine: {error}", err=True)
        sys.exit(1)
