"""The time, from outside."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since 1970."""
