"""MCRIT's jobs and results."""

from flask import request

from api.dialects.dialect import Dialect
from api.dialects.mcrit import jobs, results
from api.dialects.mcrit.door import blueprint
from api.dialects.mcrit.errors import render

DIALECT = Dialect("mcrit", lambda: request.path.split("/")[1] in ("jobs", "results"), render)

__all__ = ["DIALECT", "blueprint", "jobs", "results"]
