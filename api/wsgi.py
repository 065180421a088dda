"""The application for a WSGI server: ``gunicorn 'api.wsgi:create()'``."""

from __future__ import annotations

import logging

from flask import Flask

from api.application import create_app
from jobengine.build import build
from jobengine.config import read_settings


def create() -> Flask:
    """The application from the settings of the environment; called in each server process."""
    settings = read_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return create_app(build(settings))
