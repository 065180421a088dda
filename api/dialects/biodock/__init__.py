"""Biodock's public API: analysis jobs, masks, filesystem items, pipelines."""

from flask import request

from api.dialects.biodock.errors import render
from api.dialects.biodock.routes import blueprint
from api.dialects.dialect import Dialect

DIALECT = Dialect("biodock", lambda: request.path.startswith("/api/external"), render)

__all__ = ["DIALECT", "blueprint"]
