"""A private PostgreSQL for tests: a temporary folder, a Unix socket, nothing else; stopped with the test session.

The binaries come from the ``pgserver`` wheel, or else from the system. PostgreSQL refuses to run as root, so for root
it runs as the user ``nobody``, where necessary on a copy of the binaries that this user may read.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_START_SECONDS = "60"


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A running server; ``url(name)`` is the address of one of its databases."""

    programs: Path
    folder: Path
    host: str = ""

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create_database(self, name: str) -> str:
        """Make an empty database; its address."""
        self.run("createdb", "--host", str(self.folder), "--username", "postgres", name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run("dropdb", "--host", str(self.folder), "--username", "postgres", "--force", name)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = f"-k {self.folder} -c listen_addresses={self.host} -c fsync=off -c max_connections=200"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-o", settings, "-w", "-t", _START_SECONDS, "start")

    def processes(self) -> list[psutil.Process]:
        """Its first process, and all others of it."""
        parent = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [parent, *parent.children(recursive=True)]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of it stands still while the block lasts; the kernel goes on answering for its sockets."""
        family = self.processes()
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; ``immediate`` is what a power cut looks like to its clients."""
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "-t", _START_SECONDS, "stop")

    @property
    def data(self) -> Path:
        """Where the server keeps its databases."""
        return self.folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        finished = subprocess.run(
            [str(self.programs / program), *arguments],
            user=_other_user(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            # To a file, not to a pipe: the server inherits it and would keep a pipe open.
            stdout=(self.folder / "output").open("wb"),
            stderr=subprocess.STDOUT,
        )
        assert finished.returncode == 0, (self.folder / "output").read_text()


def find_programs() -> Path | None:
    """The folder with ``initdb``, ``postgres`` and ``pg_ctl``; None where there is no PostgreSQL."""
    wheel = importlib.util.find_spec("pgserver")
    places = [Path(place) / "pginstall" / "bin" for place in (wheel and wheel.submodule_search_locations) or []]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    places += [Path(on_path).parent] if on_path else []
    return next((place for place in places if (place / "initdb").exists()), None)


@contextmanager
def running_postgresql(host: str = "") -> Iterator[PostgresqlServer]:
    """A server of one's own for as long as the block lasts; on a Unix socket, and at the address if one is given."""
    programs = find_programs()
    assert programs is not None, "no PostgreSQL: install the test extra, or a PostgreSQL of the system"
    # Right under /tmp: the path of a Unix socket must be short, and the other user must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="je-pg-"))
    try:
        server = _make(programs, folder, host)
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(programs: Path, folder: Path, host: str) -> PostgresqlServer:
    user = _other_user()
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        if not _is_open_to_all(programs):
            programs = _copy_wheel(programs, folder / "install")
    server = PostgresqlServer(programs, folder, host)
    server.run("initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
    if host:
        with (server.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
    return server


def _is_open_to_all(programs: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH
    places = [programs / "postgres", programs, *programs.resolve().parents]
    return all(place.stat().st_mode & needed == needed for place in places)


def _copy_wheel(programs: Path, target: Path) -> Path:
    package = programs.parents[1]
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), target / name, symlinks=True)
    return target / package.name / "pginstall" / "bin"


def _other_user() -> str | None:
    return "nobody" if os.geteuid() == 0 else None
