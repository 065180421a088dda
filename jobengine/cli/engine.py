"""``jobengine engine``: the engine process, for a system whose parts are started one by one."""

from __future__ import annotations

import sys

import click

from jobengine.loops.__main__ import main


@click.command()
def engine() -> None:
    """Run dispatcher, recorder, rescuer and pruner until SIGTERM."""
    sys.exit(main())
