"""Kallima's jobs with their typed results; its routes are behind the door that it shares with MCRIT."""

from flask import request

from api.dialects.dialect import Dialect, bearer
from api.dialects.kallima.errors import render

DIALECT = Dialect("kallima", lambda: request.path.split("/")[1] == "jobs" and bearer() is not None, render)

__all__ = ["DIALECT"]
