"""The ``jobengine`` command."""

from __future__ import annotations

import sys

import click

from jobengine import __version__
from jobengine.cli.lazy import LazyCommand, LazyGroup
from jobengine.domain.errors import EngineError

_COMMANDS = {
    "backup": ("backup", "Copy ledger, artifacts and keys into the new FOLDER; jobs may run meanwhile."),
    "cancel": ("jobs", "Cancel what is unfinished of a job."),
    "check": ("check", "Compare states, counters, bytes and Redis with the rows of the ledger."),
    "doctor": (
        "doctor",
        "Say what is configured, what is reachable, what is wrong and how to mend it; exit code 1 if anything is.",
    ),
    "engine": ("engine", "Run dispatcher, recorder, rescuer and pruner until SIGTERM."),
    "jobs": ("jobs", "List jobs, newest first."),
    "explain": ("jobs", "Say of each unfinished task of a job why it is where it is."),
    "keys": ("keys", "API keys."),
    "pipelines": (
        "pipelines",
        "List the pipelines that can be run, or the parameters of one PIPELINE with their defaults.",
    ),
    "results": (
        "results",
        "Download what a job has made so far: all results as results.json, and every artifact as a file.",
    ),
    "show": ("jobs", "Show a job, and which of its files failed."),
    "submit": ("submit", "Upload FILES and run PIPELINE on them."),
    "up": ("up", "Start the whole system: Redis, web server, engine, worker and Flower, all on 127.0.0.1."),
}
"""By their names, the modules of the commands, and the first sentences of their docstrings."""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobengine")
def commands() -> None:
    """A self-hosted analysis job engine.

    The commands of a client read JOBENGINE_URL and JOBENGINE_API_KEY.
    """


for _name, (_module, _sentence) in _COMMANDS.items():
    commands.add_command(LazyCommand(_name, f"jobengine.cli.{_module}", _sentence))


def main() -> None:
    """Run the command; what a user or a machine did wrong is one sentence and exit code 1, never a traceback."""
    try:
        commands(prog_name="jobengine")
    except EngineError as error:
        click.echo(f"Error: {error}", err=True)
    except OSError as error:
        click.echo(f"Error: {error.filename or 'the system'}: {error.strerror or error}.", err=True)
    sys.exit(1)
