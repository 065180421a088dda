"""The settings of a system on this machine, for the commands that look at its ledger or Redis themselves."""

from __future__ import annotations

import os
from pathlib import Path

from jobengine.cli.folder import read_environment
from jobengine.config import Settings, read_settings


def local_settings(data: Path | None) -> Settings:
    """The settings of the environment, filled up with what the last ``up`` on the data folder told its processes.

    What the environment sets goes first, unless the folder was named.
    """
    given = dict(os.environ)
    folder = data or Path(read_settings().data_dir)
    kept = read_environment(folder)
    given |= kept if data else {name: value for name, value in kept.items() if name not in given}
    if data:
        given["JOBENGINE_DATA_DIR"] = str(data.absolute())
    return read_settings(given)


def ledger_is_missing(settings: Settings) -> bool:
    """Whether the ledger is a file in the data folder that nobody has made yet."""
    return not settings.ledger_url and not (settings.data_path / "ledger.sqlite").exists()
