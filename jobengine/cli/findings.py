"""What ``jobengine doctor`` looks at: each look is one finding, and a wrong one says how to mend it."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from urllib.parse import urlsplit

import httpx

from jobengine.build import connect, load_registry
from jobengine.cli.client import DIRECT, server_url
from jobengine.cli.local import ledger_is_missing
from jobengine.config import PREFIX, Settings
from jobengine.domain.errors import EngineError
from jobengine.domain.records import WorkerRecord
from jobengine.verbs.outside import Outside

_CLIENT_VARIABLES = {"JOBENGINE_URL", "JOBENGINE_API_KEY"}
_LOW_DISK_BYTES = 1024**3
_SILENT_SECONDS = 30.0
_EXTRAS = {"image": ("numpy", "scipy", "skimage", "tifffile"), "postgresql": ("psycopg",), "s3": ("obstore",)}


@dataclass(frozen=True, slots=True)
class Finding:
    """``mend`` is empty where all is well."""

    name: str
    detail: str
    mend: str = ""


def look_at_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Every JOBENGINE_ variable, secrets hidden; one that nothing reads is most likely misspelled."""
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)} | _CLIENT_VARIABLES
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if name not in known:
            yield Finding(name, "is not a setting of Jobengine", f"Correct or remove it; there are {_listed(known)}.")
        else:
            yield Finding(name, _shown(name, environment[name]))


def look_at_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder can be written and has room."""
    folder = settings.data_path.absolute()
    if not folder.is_dir():
        yield Finding("data folder", f"{folder} does not exist", "`jobengine up` makes it; or set JOBENGINE_DATA_DIR.")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("data folder", f"{folder} cannot be written", "Give this user the right to write to it.")
    else:
        free = shutil.disk_usage(folder).free
        mend = "Make room: uploads and results are refused when the disk is full." if free < _LOW_DISK_BYTES else ""
        yield Finding("data folder", f"{folder}, {free / 1024**3:.1f} GiB free", mend)


def look_at_system(settings: Settings) -> Iterator[Finding]:
    """Ledger, Redis, artifact store and workers."""
    outside = connect(settings)
    ledger = urlsplit(settings.effective_ledger_url)
    # The path of an address of SQLite begins after the third slash.
    place = ledger.hostname or ledger.path.removeprefix("/")
    if ledger_is_missing(settings):
        yield Finding("ledger", "there is none yet", "`jobengine up` makes one; or set JOBENGINE_LEDGER_URL.")
    else:
        mend = "Set JOBENGINE_LEDGER_URL to a database that runs; an engine or web server that starts migrates it."
        yield (finding := _checked("ledger", place, outside.store.check, mend))
        if not finding.mend:
            yield _workers([worker.last_seen_at for worker in _read_workers(outside)])
    redis = urlsplit(settings.redis_url)
    mend = "Start `jobengine up` or a Redis, or set JOBENGINE_REDIS_URL to where one runs. Jobs wait until it is back."
    yield _checked("redis", f"{redis.hostname}:{redis.port or 6379}", outside.transport.check, mend)

    def write() -> None:
        stored = outside.artifacts.put(io.BytesIO(b"written by jobengine doctor\n"))
        outside.artifacts.delete([stored.sha256])

    if settings.artifacts_url or settings.data_path.is_dir():
        mend = "See that JOBENGINE_ARTIFACTS_URL is right, can be written, and has room."
        yield _checked("artifact store", settings.effective_artifacts_url, write, mend)


def look_at_steps(settings: Settings) -> Iterator[Finding]:
    """Which steps a worker started here would have, and which packages of steps fail to load."""
    registry = load_registry(settings)
    yield Finding("steps", _listed(registry.steps) or "none")
    for name in registry.failures:
        yield Finding(
            f"steps of {name}",
            registry.reason_of(name),
            "Correct the module or its installation; its steps are missing.",
        )
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        yield Finding(f"extra {extra}", f"not installed ({_listed(missing)} missing)" if missing else "installed")


def look_at_api(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the API answers, and takes the key."""
    url = server_url(environment.get("JOBENGINE_URL", ""))
    key = environment.get("JOBENGINE_API_KEY", "").strip()
    mend = "Start `jobengine up`, or set JOBENGINE_URL to the address of the API."
    try:
        answer = _ask(f"{url}/health/ready")
        ready = answer.json()["status"]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield Finding("api", f"{url} cannot be reached: {str(error).rstrip('.') or type(error).__name__}", mend)
        return
    except (ValueError, KeyError, TypeError):
        yield Finding("api", f"{url} is not a Jobengine", mend)
        return
    yield Finding("api", f"{url} is {ready}", "" if answer.is_success else "Look at the dependencies of the server.")
    if not key:
        yield Finding("api key", "JOBENGINE_API_KEY is not set", "Set it; `jobengine up` writes one to DIR/admin.key.")
        return
    headers = {b"Authorization": b"Bearer " + key.encode()}
    try:
        asked = _ask(f"{url}/api/v1/jobs?limit=1", headers)
    except httpx.HTTPError as error:
        yield Finding("api key", f"could not be tried: {error}", mend)
        return
    if asked.status_code in (401, 403):
        mend = "Ask an administrator for a new one: `jobengine keys create`."
        yield Finding("api key", f"is refused ({asked.status_code})", mend)
    elif asked.is_success:
        yield Finding("api key", "is taken")
    else:
        yield Finding("api key", f"could not be tried: the API answered {asked.status_code}", "Try again in a moment.")


def _ask(url: str, headers: Mapping[bytes, bytes] | None = None) -> httpx.Response:
    with httpx.Client(mounts=DIRECT, timeout=httpx.Timeout(10.0, connect=4.0)) as client:
        return client.get(url, headers=headers)


def _checked(name: str, place: str, check: Callable[[], None], mend: str) -> Finding:
    try:
        check()
    except EngineError as error:
        return Finding(name, f"{place}: {error}", mend)
    return Finding(name, f"{place}: ok")


def _read_workers(outside: Outside) -> list[WorkerRecord]:
    with outside.store.read() as ledger:
        return ledger.catalog.workers()


def _workers(last_seen: list[float]) -> Finding:
    heard = sum(1 for seen in last_seen if time.time() - seen < _SILENT_SECONDS)
    mend = "" if heard else "Start one: `jobengine up`, or `celery -A workers.app worker`. Jobs wait until then."
    return Finding("workers", f"{heard} heard from in the last {_SILENT_SECONDS:.0f} s", mend)


def _listed(words: object) -> str:
    return ", ".join(sorted(map(str, words)))  # type: ignore[call-overload]


def _shown(name: str, value: str) -> str:
    if name in ("JOBENGINE_API_KEY", "JOBENGINE_SECRET_KEY"):
        return "set" if value else "empty"
    password = urlsplit(value).password if "://" in value else None
    return value.replace(f":{password}@", ":…@") if password else value
