"""What can go wrong, as one error with few codes; each surface maps codes to its own words."""

from __future__ import annotations

from enum import Enum


class ErrorCode(str, Enum):
    """Every reason for which the engine refuses something."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too_large"
    LIMIT_REACHED = "limit_reached"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class EngineError(Exception):
    """A refusal: a code for programs, a sentence for people, and the field where there is one."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def invalid(message: str, field: str | None = None) -> EngineError:
    """The request cannot mean anything; nothing was stored."""
    return EngineError(ErrorCode.INVALID, message, field=field)


def not_found(kind: str, identifier: str) -> EngineError:
    """There is no such thing, or it belongs to somebody else; the two look the same."""
    return EngineError(ErrorCode.NOT_FOUND, f"There is no {kind} with the ID {identifier!r}.")


def conflict(message: str, field: str | None = None) -> EngineError:
    """The thing exists, but its state does not allow this."""
    return EngineError(ErrorCode.CONFLICT, message, field=field)
