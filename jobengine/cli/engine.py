"""``jobengine engine`` runs the loops; ``jobengine doctor`` says what is configured and what is wrong."""

from __future__ import annotations

import sys

import click

from jobengine.build import build
from jobengine.config import read_settings
from jobengine.domain.errors import EngineError
from jobengine.loops.process import run_engine


@click.command()
def engine() -> None:
    """Run dispatcher, recorder, rescuer and pruner until SIGTERM."""
    settings = read_settings()
    parts = build(settings)
    run_engine(parts.engine, parts.outside.store, settings.log_level)


@click.command("doctor")
def check_settings() -> None:
    """Say what is configured, what is reachable, and what is wrong."""
    settings = read_settings()
    click.echo(f"data folder: {settings.data_path.absolute()}")
    try:
        parts = build(settings)
    except EngineError as error:
        click.echo(f"ledger: {error} Set JOBENGINE_LEDGER_URL to a database that can be reached.")
        sys.exit(1)
    health = parts.queries.health()
    advice = {
        "ledger": "Set JOBENGINE_LEDGER_URL to a database that can be reached.",
        "redis": "Start Redis, or set JOBENGINE_REDIS_URL to where it is.",
    }
    for name, state in health.items():
        click.echo(f"{name}: {state}" + ("" if state == "ok" else f" {advice[name]}"))
    steps = [step.name for step in parts.queries.steps()]
    click.echo(f"steps that workers have announced: {', '.join(steps) or 'none'}")
    sys.exit(0 if all(state == "ok" for state in health.values()) else 1)
