"""How a step can end other than by returning its result."""

from __future__ import annotations

import math


class Reject(Exception):
    """The analysis says no: the input is not what the step can work on.

    The sentence goes to the user, and the task is not tried again.
    """


class Retry(Exception):
    """The step wants another try after some seconds, within its retry policy. Raises ValueError for no such number."""

    def __init__(self, after_seconds: float, message: str = "The step asked for another try.") -> None:
        super().__init__(message)
        if not (math.isfinite(after_seconds) and after_seconds >= 0):
            raise ValueError(f"a step can be tried again after some seconds, not after {after_seconds!r}")
        self.after_seconds = float(after_seconds)


class Canceled(BaseException):
    """Nobody wants the task any more. Not an Exception, so that a step that catches everything still ends."""


class TimeLimitReached(BaseException):
    """The step ran longer than it may."""
