"""The composition root: the only place that picks adapters."""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobengine.artifacts import open_artifact_store
from jobengine.artifacts.signing import UrlSigner, load_secret
from jobengine.config import Settings
from jobengine.domain.announcements import Announcement, encode_announcement
from jobengine.domain.ids import IdSource
from jobengine.engine import Engine
from jobengine.queries import Queries
from jobengine.runtime.registry import Registry, load_steps
from jobengine.runtime.runner import IsCanceled, IsStopping, OnTask, Parent, Runner
from jobengine.store import SqlStore
from jobengine.store.backup import copy_sqlite
from jobengine.transport.redis_transport import RedisTransport
from jobengine.transport.worker import WorkerApp, make_worker_app
from jobengine.transport.worker_channel import RedisWorkerChannel
from jobengine.verbs.builtin import put_builtins
from jobengine.verbs.outside import Outside

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """A process that holds the ledger: the engine's, or the API's."""

    outside: Outside
    engine: Engine
    queries: Queries
    signer: UrlSigner


def connect(settings: Settings) -> Outside:
    """The real adapters, as they are: nothing is made, migrated or asked yet."""
    return Outside(
        store=SqlStore(settings.effective_ledger_url),
        transport=RedisTransport(settings, time.time),
        artifacts=open_artifact_store(settings.effective_artifacts_url),
        clock=time.time,
        ids=IdSource(time.time, random.SystemRandom().getrandbits),
        settings=settings,
    )


def build(settings: Settings) -> Parts:
    """The engine on its real adapters; the ledger is brought to the newest schema.

    Raises EngineError(UNAVAILABLE) when the ledger cannot be reached. Redis may be away.
    """
    settings.data_path.mkdir(parents=True, exist_ok=True)
    outside = connect(settings)
    outside.store.migrate()
    with outside.store.begin() as ledger:
        put_builtins(ledger, outside.clock())
    queries = Queries(outside.store, outside.transport, outside.artifacts, outside.clock)
    return Parts(outside, Engine(outside), queries, UrlSigner(load_secret(settings), time.time))


def copy_ledger(settings: Settings, target: Path) -> None:
    """Copy the embedded ledger, which may be in use, to a new file; raises EngineError(UNAVAILABLE)."""
    copy_sqlite(settings.data_path / "ledger.sqlite", target)


def load_registry(settings: Settings) -> Registry:
    """The steps and pipelines that are installed here or named in the settings."""
    return load_steps(name for name in settings.steps.split(",") if name)


def build_worker(settings: Settings) -> WorkerApp:
    """The Celery application of a worker, with the steps of this machine. It holds no way to the ledger."""
    registry = load_registry(settings)
    for name, error in registry.failures.items():
        log.error("the steps of %s cannot be loaded", name, exc_info=error)
    channel = RedisWorkerChannel(settings, time.time)
    artifacts = open_artifact_store(settings.effective_artifacts_url)

    def make_runner(on_task: OnTask, is_stopping: IsStopping, is_canceled: IsCanceled) -> Runner:
        return Runner(registry, channel, artifacts, settings, parent=Parent(on_task, is_stopping, is_canceled))

    def announce(slots: int, queues: Sequence[str]) -> Mapping[str, Any]:
        return encode_announcement(_announcement(registry, slots, queues))

    return make_worker_app(settings, channel, registry.steps, registry.queues(), make_runner, announce)


def _announcement(registry: Registry, slots: int, queues: Sequence[str]) -> Announcement:
    return Announcement(
        hostname=socket.gethostname(),
        slots=slots,
        queues=tuple(queues),
        steps=tuple(registry.specs()),
        pipelines=tuple(registry.pipelines.values()),
        hardware={"cpus": os.cpu_count() or 1},
    )
