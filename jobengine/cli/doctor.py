"""``jobengine doctor``: what is configured, what is reachable, what is wrong and how to mend it."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from jobengine import __version__
from jobengine.cli.findings import (
    Finding,
    look_at_api,
    look_at_folder,
    look_at_steps,
    look_at_system,
    look_at_variables,
)
from jobengine.cli.local import ledger_is_missing, local_settings
from jobengine.cli.options import as_json, data_option
from jobengine.domain.errors import EngineError

_LOCAL_VARIABLES = ("JOBENGINE_DATA_DIR", "JOBENGINE_LEDGER_URL", "JOBENGINE_REDIS_URL")


@click.command()
@data_option
@as_json
def doctor(data: Path | None, is_json: bool) -> None:
    """Say what is configured, what is reachable, what is wrong and how to mend it; exit code 1 if anything is.

    Changes nothing. On a machine that is only a client (JOBENGINE_URL is set, and no system is here) it looks at the
    client's side alone.
    """
    findings = list(_look(data))
    if is_json:
        click.echo(json.dumps([{**asdict(finding), "ok": not finding.mend} for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'WRONG' if finding.mend else 'ok':<6}{finding.name}: {finding.detail}")
            if finding.mend:
                click.echo(f"      {finding.mend}")
    sys.exit(1 if any(finding.mend for finding in findings) else 0)


def _look(data: Path | None) -> Iterator[Finding]:
    yield Finding("jobengine", f"{__version__} on Python {platform.python_version()}, {platform.system()}")
    yield from look_at_variables(os.environ)
    try:
        settings = local_settings(data)
    except EngineError as error:
        yield Finding("settings", str(error), "Correct the variable.")
        return
    is_here = data is not None or any(os.environ.get(name) for name in _LOCAL_VARIABLES)
    is_client = bool(os.environ.get("JOBENGINE_URL"))
    if is_here or not is_client or not ledger_is_missing(settings):
        yield from look_at_folder(settings)
        yield from look_at_system(settings)
        yield from look_at_steps(settings)
    if is_client or os.environ.get("JOBENGINE_API_KEY"):
        yield from look_at_api(os.environ)
