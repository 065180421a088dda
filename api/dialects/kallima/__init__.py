"""Kallima's jobs with their typed results; its routes are behind the door that it shares with MCRIT."""

from flask import request

from api.dialects.dialect import Dialect, bearer
from api.dialects.kallima.errors import render


def _is_ours() -> bool:
    """``GET /jobs…`` with a Bearer token, and ``POST /jobs`` with one, which the other product does not have."""
    room, *more = request.path.strip("/").split("/")
    is_posted = request.method == "POST" and not more
    return room == "jobs" and bearer() is not None and (request.method in ("GET", "HEAD") or is_posted)


DIALECT = Dialect("kallima", _is_ours, render, scheme="Bearer")

__all__ = ["DIALECT"]
