"""What a client asks for when it submits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to be.

    ``pipeline`` is an ID, a name (the newest published version) or ``name@version``. ``parameters`` are by node key:
    ``{"segment": {"threshold": "otsu"}}``. ``parent_id`` points at the job whose results the pipeline works on.
    """

    owner_id: str
    pipeline: str
    file_ids: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: int = 5
    tolerated_failures: int = 0
    parent_id: str | None = None
    retry_of: str | None = None
    batch_id: str | None = None
