"""The parts of the engine that the current application was made from."""

from __future__ import annotations

from typing import cast

from flask import current_app

from jobengine.build import Parts


def parts() -> Parts:
    """Engine, queries and signer of this application."""
    return cast(Parts, current_app.extensions["jobengine"])
