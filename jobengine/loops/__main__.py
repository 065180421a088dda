"""The engine process: ``python -m jobengine.loops`` runs all loops until SIGTERM or SIGINT."""

from __future__ import annotations

import sys

from jobengine.alive import heartbeat_of
from jobengine.build import build
from jobengine.config import read_settings
from jobengine.domain.errors import EngineError
from jobengine.loops.process import run_engine


def main() -> int:
    """Run the engine; the exit code says 0 after a clean stop and 1 when it could not start."""
    try:
        settings = read_settings()
        parts = build(settings)
        run_engine(parts.engine, parts.outside.store, settings.log_level, heartbeat_of(settings, "engine"))
    except EngineError as error:
        sys.stderr.write(f"jobengine: the engine cannot run: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
