"""Predicates and keys that indexes and queries must spell alike, letter by letter, with literals."""

from __future__ import annotations

READY = "state = 'ready' AND executor = 'worker'"
"""Tasks that the dispatcher may take."""

FLYING = "state IN ('enqueued', 'running') AND executor = 'worker'"
"""Tasks that a worker has, or will get from a message."""

FAILED = "state = 'failed'"
"""Tasks that people look for."""

STARTED_KEY = "coalesce(started_at, -1.0)"
"""Orders jobs by their start; what never started comes before all that did."""

FINISHED_KEY = "coalesce(finished_at, -1.0)"
"""Orders jobs by their end; what has not ended comes before all that did."""
