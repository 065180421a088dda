"""``jobengine up``: the whole system on one machine, from nothing."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import httpx

from jobengine.build import Parts, build
from jobengine.cli import embedded
from jobengine.cli.folder import redis_password, sole_use, write_environment, write_private
from jobengine.cli.system import StopRequest, System
from jobengine.config import read_settings
from jobengine.domain.errors import EngineError
from jobengine.domain.records import Role

_START_SECONDS = 120.0
_ROUND_SECONDS = 0.1


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65_535), help="Where the API listens.")
@click.option(
    "--data",
    default="var",
    show_default=True,
    envvar="JOBENGINE_DATA_DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder in which everything is kept.",
)
@click.option(
    "--workers",
    default=os.cpu_count() or 2,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many tasks run at a time.",
)
@click.option("--no-flower", is_flag=True, help="Leave Flower out.")
def up(port: int, data: Path, workers: int, no_flower: bool) -> None:
    """Start the whole system: Redis, web server, engine, worker and Flower, all on 127.0.0.1.

    Stops all of it on Ctrl-C or SIGTERM. Everything else that is set by JOBENGINE_ variables holds here as well,
    but for the Redis, which is always the folder's own.
    """
    stop = StopRequest()
    stop.listen()
    data = data.absolute()
    if not data.exists():
        # Before there is a folder, which nobody would need. On one that is there, another `up` is told of first.
        _check_port(port)
    with sole_use(data):
        _check_port(port)
        flower_port = None if no_flower else embedded.free_port()
        layout = embedded.Layout(data, port, embedded.free_port(), flower_port, workers, redis_password(data))
        added = embedded.system_environment(layout, os.environ)
        environment = {**os.environ, **added}
        parts = build(read_settings(environment))
        _keep_admin_key(parts, data / "admin.key")
        write_environment(data, added)
        code = _run(layout, System(data, embedded.write_configurations(layout), environment), parts, stop)
    sys.exit(code)


def _check_port(port: int) -> None:
    if not embedded.is_free(port):
        raise click.ClickException(f"The port {port} is in use; name another one with --port.")


def _run(layout: embedded.Layout, system: System, parts: Parts, stop: StopRequest) -> int:
    """Start, say when it is ready, and keep it running until told to stop; the exit code."""
    if stop.is_made:
        return 0
    begun_at = time.time()
    deadline = time.monotonic() + _START_SECONDS
    is_ready = False
    click.echo(f"starting ...; what the processes say is in {layout.data / 'logs'}", err=True)
    system.start()
    try:
        while not stop.is_made and system.keep():
            if not is_ready and _is_ready(layout, parts, begun_at):
                is_ready = True
                _tell(layout)
            elif not is_ready and time.monotonic() > deadline:
                break
            time.sleep(_ROUND_SECONDS)
    finally:
        code = system.stop()
    if stop.is_made:
        return code
    logs = layout.data / "logs"
    click.echo(f"Error: the system did not {'stay up' if is_ready else 'come up'}; the reason is in {logs}.", err=True)
    return 1


def _tell(layout: embedded.Layout) -> None:
    if layout.flower_port is not None:
        click.echo(f"flower: http://127.0.0.1:{layout.flower_port}")
    click.echo(f"admin key: {layout.data / 'admin.key'}")
    click.echo(f"ready: {layout.url}")


def _is_ready(layout: embedded.Layout, parts: Parts, begun_at: float) -> bool:
    """Whether jobs are accepted, and a worker of this start has said what it can do."""
    try:
        answer = httpx.get(f"{layout.url}/health/ready", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return False
    if answer.status_code != httpx.codes.OK:
        return False
    try:
        with parts.outside.store.read() as ledger:
            return any(worker.announced_at >= begun_at for worker in ledger.catalog.workers())
    except EngineError:
        return False


def _keep_admin_key(parts: Parts, path: Path) -> None:
    """See to it that the file holds an administrator's key that is valid."""
    try:
        if parts.engine.authenticate(path.read_text().strip()).role is Role.ADMIN:
            path.chmod(0o600)
            return
    except (FileNotFoundError, UnicodeDecodeError, EngineError):
        pass
    write_private(path, parts.engine.create_key("admin", Role.ADMIN, "written by jobengine up") + "\n")
