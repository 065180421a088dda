"""The data folder of ``jobengine up``: who may use it, its private files, and what runs in it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

_LEFTOVER_SECONDS = 30.0
"""How long the processes of a killed ``up`` get to end; they are told by the kernel at once."""


def run_folder(data: Path) -> Path:
    """Where generated configurations and locks are."""
    return data / "run"


def running_lock(data: Path) -> Path:
    """The file on which every process that ``up`` starts holds a shared lock while it lives."""
    return run_folder(data) / "running.lock"


@contextmanager
def sole_use(data: Path) -> Iterator[None]:
    """The folder for this process alone, for as long as it lives, however it ends.

    Raises ClickException when another ``up`` has it, or when processes of an earlier one do not end.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    run_folder(data).mkdir(exist_ok=True, mode=0o700)
    with (data / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"Another `jobengine up` runs on {data}; stop it, or name another folder with --data."
            raise click.ClickException(message) from None
        wait_for_leftovers(data)
        yield


def wait_for_leftovers(data: Path, seconds: float = _LEFTOVER_SECONDS) -> None:
    """Wait until no process that an ``up`` on this folder started is left; raises ClickException when some stay."""
    deadline = time.monotonic() + seconds
    while not _is_free(running_lock(data)):
        if time.monotonic() > deadline:
            message = (
                f"Processes of an earlier `jobengine up` still run on {data} and do not end. "
                f"They hold {running_lock(data)}; `fuser` names them. End them, then try again."
            )
            raise click.ClickException(message)
        time.sleep(0.1)


def _is_free(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at no moment otherwise and at no moment half written."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(text)
    draft.replace(path)


def redis_password(data: Path) -> str:
    """The password of this folder's Redis, made when it is first needed."""
    path = data / "redis.password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def write_environment(data: Path, environment: Mapping[str, str]) -> None:
    """Keep what the running processes were told, for commands that look at them."""
    write_private(run_folder(data) / "environment.json", json.dumps(environment, indent=1) + "\n")


def read_environment(data: Path) -> dict[str, str]:
    """What the processes of the last ``up`` on this folder were told; empty where there was none."""
    try:
        found: dict[str, str] = json.loads((run_folder(data) / "environment.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found
