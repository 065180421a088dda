"""``jobengine check``: recompute what states and counters claim, and say where they are wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from jobengine.build import connect
from jobengine.cli.local import ledger_is_missing, local_settings
from jobengine.cli.options import as_json, data_option
from jobengine.domain.audit import SENTENCES, Difference
from jobengine.engine import Engine


@click.command()
@click.option("--hashes", is_flag=True, help="Read all bytes and compare their SHA-256, not only their sizes.")
@data_option
@as_json
def check(hashes: bool, data: Path | None, is_json: bool) -> None:
    """Compare states, counters, bytes and Redis with the rows of the ledger.

    It only reads, and the system may run meanwhile. The exit code is 1 when there is a difference.
    """
    settings = local_settings(data)
    if ledger_is_missing(settings):
        raise click.ClickException(
            f"There is no ledger in {settings.data_path.absolute()}. Name the folder of a `jobengine up` with --data, "
            "or set JOBENGINE_LEDGER_URL."
        )
    outside = connect(settings)
    outside.store.check()
    differences = Engine(outside).audit(with_hashes=hashes)
    click.echo(json.dumps([asdict(one) for one in differences], indent=2) if is_json else _describe(differences))
    if differences:
        raise SystemExit(1)


def _describe(differences: Sequence[Difference]) -> str:
    if not differences:
        return "Everything agrees: tasks, results, counters, bytes and Redis."
    lines = []
    ordered = sorted(differences, key=lambda one: one.invariant.value)
    for invariant, group in groupby(ordered, lambda one: one.invariant):
        lines.append(SENTENCES[invariant])
        lines += [f"  {one.subject_id}: expected {one.expected}, found {one.found}" for one in group]
    count = len(differences)
    return "\n".join([*lines, f"{count} difference{'s' if count > 1 else ''}."])
