"""Argus SampleDB: samples, their analysis jobs, and the tasks of jobs, which analyzers outside drive."""

from flask import request

from api.dialects.argus import jobs, samples, session, tasks
from api.dialects.argus.door import blueprint
from api.dialects.argus.errors import render
from api.dialects.dialect import Dialect

DIALECT = Dialect("argus", lambda: request.path.startswith(("/sampledb/", "/authentication/")), render)

__all__ = ["DIALECT", "blueprint", "jobs", "samples", "session", "tasks"]
