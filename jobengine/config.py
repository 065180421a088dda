"""Settings, read once from the environment; every limit has a name and a unit."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from jobengine.domain.errors import invalid

PREFIX = "JOBENGINE_"
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ABOVE_ZERO = frozenset(
    {
        "upload_limit_bytes",
        "request_limit_bytes",
        "batch_limit_bytes",
        "result_limit_bytes",
        "job_tasks_limit",
        "url_lifetime_seconds",
        "lease_seconds",
        "window_seconds",
        "record_batch",
    }
)
"""The numbers with which nothing would go on if they were 0; no number can be negative."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set; the variable of ``ledger_url`` is ``JOBENGINE_LEDGER_URL``, and so on."""

    data_dir: str = "var"
    ledger_url: str = ""
    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_prefix: str = "jobengine"
    artifacts_url: str = ""
    public_url: str = ""
    secret_key: str = ""
    """Signs download URLs; all API processes share it. Empty: made once and kept in the data folder."""
    steps: str = ""
    """Modules on the path that register steps and pipelines, separated by commas; entry points are loaded as well."""

    upload_limit_bytes: int = 2 * 1024**3
    request_limit_bytes: int = 16 * 1024**2
    batch_limit_bytes: int = 128 * 1024**2
    """The limit on the body of a batch, which may have 100,000 jobs in it."""
    result_limit_bytes: int = 1024**2
    inline_limit_bytes: int = 64 * 1024
    job_tasks_limit: int = 200_000
    url_lifetime_seconds: float = 3600.0

    lease_seconds: float = 15.0
    message_grace_seconds: float = 5.0
    """How old an unclaimed delivery is before the rescuer asks where its message went."""
    grace_seconds: float = 10.0
    """How long a worker that is told to stop lets running steps go on; what has not ended by then goes to others."""
    tasks_per_child: int = 0
    """A worker process is replaced after so many deliveries; 0 keeps it. For steps that leak memory."""
    window_seconds: float = 1.0
    """How much work, in seconds, the dispatcher keeps in Redis ahead of the workers."""
    tasks_per_delivery: int = 0
    """How many tasks a delivery may carry; 0 leaves it to the step."""
    record_batch: int = 500
    """How many stream entries the recorder reads at once."""

    job_retention_days: float = 0.0
    """Final jobs older than this are deleted, and batches with the last of their jobs; 0 keeps them."""
    orphan_retention_seconds: float = 86_400.0
    """Bytes that no row has named for so long are deleted."""

    log_level: str = "INFO"

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir)

    @property
    def effective_ledger_url(self) -> str:
        return self.ledger_url or f"sqlite:///{self.data_path.absolute() / 'ledger.sqlite'}"

    @property
    def effective_artifacts_url(self) -> str:
        return self.artifacts_url or (self.data_path.absolute() / "artifacts").as_uri()


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this environment; raises EngineError(INVALID) that names a variable that cannot be meant."""
    environment = os.environ if environment is None else environment
    given: dict[str, object] = {}
    for entry in fields(Settings):
        variable = PREFIX + entry.name.upper()
        if variable in environment:
            given[entry.name] = value = _parse(environment[variable], type(entry.default), variable)
            _check(value, variable, is_zero_allowed=entry.name not in _ABOVE_ZERO)
    if "log_level" in given:
        given["log_level"] = _log_level(str(given["log_level"]))
    return Settings(**given)  # type: ignore[arg-type]


def _parse(text: str, kind: type, variable: str) -> object:
    try:
        return kind(text)
    except ValueError:
        raise invalid(f"{text!r} is not {'a whole' if kind is int else 'a'} number.", variable) from None


def _check(value: object, variable: str, *, is_zero_allowed: bool) -> None:
    if not isinstance(value, int | float):
        return
    if not math.isfinite(value) or value < 0 or (value == 0 and not is_zero_allowed):
        raise invalid(f"{value} cannot be meant; it is a number {'from' if is_zero_allowed else 'above'} 0.", variable)


def _log_level(text: str) -> str:
    level = text.strip().upper()
    if level not in _LOG_LEVELS:
        raise invalid(f"{text!r} is no level of a log; there are {', '.join(_LOG_LEVELS)}.", PREFIX + "LOG_LEVEL")
    return level
