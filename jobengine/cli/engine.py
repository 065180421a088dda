"""``jobengine engine``: the engine process, for a system whose parts are started one by one."""

from __future__ import annotations

import click

from jobengine.alive import heartbeat_of
from jobengine.build import build
from jobengine.config import read_settings
from jobengine.loops.process import run_engine


@click.command()
def engine() -> None:
    """Run dispatcher, recorder, rescuer and pruner until SIGTERM."""
    settings = read_settings()
    parts = build(settings)
    run_engine(parts.engine, parts.outside.store, settings.log_level, heartbeat_of(settings, "engine"))
