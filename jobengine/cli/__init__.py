"""The ``jobengine`` command."""

from __future__ import annotations

import sys

import click

from jobengine import __version__
from jobengine.cli.backup import backup
from jobengine.cli.check import check
from jobengine.cli.doctor import doctor
from jobengine.cli.engine import engine
from jobengine.cli.jobs import cancel, jobs, show, submit
from jobengine.cli.keys import keys
from jobengine.cli.results import results
from jobengine.cli.up import up
from jobengine.domain.errors import EngineError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobengine")
def commands() -> None:
    """A self-hosted analysis job engine.

    The commands of a client read JOBENGINE_URL and JOBENGINE_API_KEY.
    """


for command in (up, submit, jobs, show, results, cancel, keys, doctor, check, backup, engine):
    commands.add_command(command)


def main() -> None:
    """Run the command; what a user or a machine did wrong is one sentence and exit code 1, never a traceback."""
    try:
        commands(prog_name="jobengine")
    except EngineError as error:
        click.echo(f"Error: {error}", err=True)
    except OSError as error:
        click.echo(f"Error: {error.filename or 'the system'}: {error.strerror or error}.", err=True)
    sys.exit(1)
