"""``jobengine up``: the whole system on one machine, from nothing."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import httpx

from jobengine.build import Parts, build
from jobengine.cli.embedded import Layout, read_password, write_configuration, write_private
from jobengine.config import read_settings
from jobengine.domain.errors import EngineError
from jobengine.domain.records import Role

_START_SECONDS = 120.0


@click.command()
@click.option("--port", default=8080, show_default=True, help="The port of the API, on 127.0.0.1.")
@click.option("--data", default="var", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--workers", default=os.cpu_count() or 2, show_default=True, help="How many steps run at a time.")
@click.option("--no-flower", is_flag=True, help="Leave Flower out.")
def up(port: int, data: Path, workers: int, no_flower: bool) -> None:
    """Start Redis, web server, engine, worker and Flower on embedded defaults, with everything kept in DATA."""
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    with _sole_user(data):
        _check_port(port)
        flower_port = None if no_flower else _free_port()
        layout = Layout(data, port, _free_port(), flower_port, workers, read_password(data))
        parts = build(read_settings({**os.environ, **layout.environment}))
        _write_admin_key(parts, data / "admin.key")
        sys.exit(_run(layout, parts))


def _run(layout: Layout, parts: Parts) -> int:
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(write_configuration(layout))]
    stopped: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    # In a session of its own: Ctrl-C at the terminal reaches this process alone, which then stops the others in order.
    supervisor = subprocess.Popen(command, start_new_session=True, cwd=layout.data)  # noqa: S603 - our own words
    try:
        is_ready = _wait_until_ready(layout, parts, supervisor, stopped)
        while is_ready and not stopped and supervisor.poll() is None:
            time.sleep(0.2)
    finally:
        code = _stop(supervisor)
    if not stopped:
        click.echo(f"jobengine: the system did not stay up; look into {layout.data / 'logs'}", err=True)
        return 1
    return code


def _wait_until_ready(layout: Layout, parts: Parts, supervisor: subprocess.Popen[bytes], stopped: list[int]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and not stopped and supervisor.poll() is None:
        if _is_ready(layout, parts):
            if layout.flower_port is not None:
                click.echo(f"flower: http://127.0.0.1:{layout.flower_port}")
            click.echo(f"admin key: {layout.data / 'admin.key'}")
            click.echo(f"ready: http://127.0.0.1:{layout.port}")
            return True
        time.sleep(0.1)
    return False


def _is_ready(layout: Layout, parts: Parts) -> bool:
    """Whether jobs are accepted and a worker of this start has said what it can do."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{layout.port}/health/ready", timeout=5)
    except httpx.HTTPError:
        return False
    with parts.outside.store.read() as ledger:
        workers = ledger.catalog.workers()
    recently = time.time() - 5
    return answer.status_code == 200 and any(worker.last_seen_at > recently for worker in workers)


def _stop(supervisor: subprocess.Popen[bytes]) -> int:
    if supervisor.poll() is None:
        supervisor.terminate()
    try:
        return supervisor.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(supervisor.pid, signal.SIGKILL)
        return 1


@contextmanager
def _sole_user(data: Path) -> Iterator[None]:
    """The folder for this process alone, for as long as it lives, however it ends."""
    with (data / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"Another `jobengine up` runs on {data}; stop it, or name another --data."
            ) from None
        yield


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(f"The port {port} is taken; name another with --port.") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_admin_key(parts: Parts, path: Path) -> None:
    """Keep the key that is there while it is valid."""
    try:
        parts.engine.authenticate(path.read_text().strip())
    except (FileNotFoundError, EngineError):
        write_private(path, parts.engine.create_key("admin", Role.ADMIN, "written by jobengine up") + "\n")
