"""The command against the real API over the engine in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx
import pytest
from click.testing import CliRunner, Result

from jobengine.cli import client, commands, progress
from jobengine.cli.client import ApiClient
from jobengine.domain.records import Role
from tests.api.conftest import shared_application
from tests.unit.engine.world import World


@dataclass(slots=True)
class Wire(httpx.BaseTransport):
    """What the command asks the API, in order; ``on_request`` sees each request first."""

    inner: httpx.BaseTransport
    asked: list[tuple[str, str]] = field(default_factory=list)
    on_request: Callable[[httpx.Request], None] = lambda request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path.removeprefix("/api/v1")))
        self.on_request(request)
        return self.inner.handle_request(request)


@dataclass(slots=True)
class Command:
    """The ``jobengine`` command of a submitter."""

    world: World
    wire: Wire

    def __call__(self, *words: str) -> Result:
        """Run it; what it printed, and its exit code."""
        return CliRunner().invoke(commands, words)

    def asked(self, methods: Iterable[str] = ("POST", "PUT", "PATCH", "DELETE")) -> list[tuple[str, str]]:
        """The requests with these methods."""
        return [(method, path) for method, path in self.wire.asked if method in methods]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, its API, and the engine behind it, all in this process."""
    world = World()
    wire = Wire(httpx.WSGITransport(app=shared_application(world)))
    api = ApiClient("http://engine", world.engine.create_key("lab", Role.SUBMITTER), wire)
    for name in ("jobs", "pipelines", "results", "submit"):
        monkeypatch.setattr(f"jobengine.cli.{name}.connect", lambda: api)
    return Command(world, wire)


class Clock:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which commands, and the client in them, wait."""
    clock = Clock()
    for module in (client, progress):
        monkeypatch.setattr(module, "time", clock)
    return clock
