"""Progress of uploads and jobs: bars on a terminal, plain lines elsewhere, all on the standard error."""

from __future__ import annotations

import filecmp
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from jobengine.cli.client import ApiAway, ApiClient

T = TypeVar("T")

_LOOK_SECONDS = 0.5
_AWAY_SECONDS = 120.0
"""How long a waiting command bears with an API that is away."""


class CountedFile:
    """A file that says how much of it has been read; enough of a file for a streamed upload."""

    def __init__(self, source: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._source = source
        self._on_read = on_read

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._source.read(size)
        self._on_read(len(data))
        return data

    def seek(self, place: int) -> int:
        """Go back to where it is sent from again."""
        self._on_read(place - self._source.tell())
        return self._source.seek(place)

    def fileno(self) -> int:
        """By which the size is found out."""
        return self._source.fileno()


def refuse_same_files(paths: Sequence[Path]) -> None:
    """Refuse two paths with the same name and the same bytes: they would be one file to the API."""
    first: dict[str, list[Path]] = {}
    for path in paths:
        for other in first.setdefault(path.name, []):
            if filecmp.cmp(other, path, shallow=False):
                raise click.ClickException(
                    f"{other} and {path} are one file: the same name and the same bytes. Name only one of them."
                )
        first[path.name].append(path)


def upload_files(api: ApiClient, paths: Sequence[Path]) -> list[str]:
    """Upload files one by one; their IDs, in order."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    ids = []
    with _bars(*columns) as (bars, is_terminal):
        bar = bars.add_task("uploading", total=sum(path.stat().st_size for path in paths))
        for number, path in enumerate(paths, 1):
            bars.update(bar, description=f"uploading {number}/{len(paths)}")
            with path.open("rb") as source:
                counted = CountedFile(source, lambda count: bars.advance(bar, count))
                ids.append(outlast(partial(api.upload, path.name, cast(BinaryIO, counted)))["id"])
            if not is_terminal:
                click.echo(f"uploaded {number} of {len(paths)}: {path.name}", err=True)
    return ids


def wait_for_job(api: ApiClient, job_id: str) -> dict[str, Any]:
    """Wait until the job has ended; the job. An API that was reached before is waited for when it goes away."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    said = ""
    with _bars(*columns) as (bars, is_terminal):
        bar = bars.add_task("waiting", total=100)
        while True:
            job: dict[str, Any] = outlast(partial(api.call, "GET", "jobs", job_id))
            counts = ", ".join(f"{count} {state}" for state, count in job["counts"].items() if count)
            bars.update(bar, completed=job["percentage"], description=counts)
            line = f"{job['percentage']} %: {counts}"
            if not is_terminal and line != said:
                click.echo(line, err=True)
                said = line
            if job["finished_at"] is not None:
                return job
            time.sleep(_LOOK_SECONDS)


def outlast(ask: Callable[[], T]) -> T:
    """Ask again while an API that was reached before is away; only for what may be asked twice."""
    deadline = time.monotonic() + _AWAY_SECONDS
    is_told = False
    while True:
        try:
            return ask()
        except ApiAway as error:
            if time.monotonic() > deadline:
                raise
            if not is_told:
                click.echo(f"{error.message} Trying again for {_AWAY_SECONDS:.0f} s.", err=True)
                is_told = True
            time.sleep(_LOOK_SECONDS)


@contextmanager
def _bars(*columns: Any) -> Iterator[tuple[Progress, bool]]:
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars, console.is_terminal
