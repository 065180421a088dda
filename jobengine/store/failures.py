"""What goes wrong in a database, in the words of the engine; mapped once, here, with the cause kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, TimeoutError

from jobengine.domain.errors import EngineError, ErrorCode

RETRY_SECONDS = 2.0

# "No such table" and "no such column" of PostgreSQL: the schema is not there yet. SQLite calls these operational.
_SCHEMA_STATES = ("42P01", "42703")
# A deadlock, a serialization that failed, a lock that did not come in time, a transaction that idled too long.
_BUSY_STATES = ("40P01", "40001", "55P03", "25P03")

# A write that a replica refuses, and a transaction that was begun to write and it refuses: the server that was written
# to has become one, or been replaced.
_READ_ONLY_STATES = ("25006", "0A000")


@contextmanager
def mapped_failures() -> Iterator[None]:
    """Raise EngineError(UNAVAILABLE) when the database cannot be reached, CONFLICT when it refuses a second row."""
    try:
        yield
    except IntegrityError as error:
        raise EngineError(ErrorCode.CONFLICT, f"The ledger refused a row: {_first_line(error)}.") from error
    except DBAPIError as error:
        if _state(error) in _READ_ONLY_STATES:
            raise unavailable(f"The ledger only reads now: {_first_line(error)}.") from error
        if _state(error) in _BUSY_STATES:
            raise unavailable(f"The ledger is busy: {_first_line(error)}.") from error
        if isinstance(error, OperationalError | InterfaceError):
            raise unavailable(f"The ledger cannot be reached: {_first_line(error)}.") from error
        if error.connection_invalidated or _lacks_schema(error):
            raise unavailable(f"The ledger cannot be used: {_first_line(error)}.") from error
        raise
    except TimeoutError as error:
        raise unavailable(f"The ledger cannot be reached: {_first_line(error)}.") from error


def unavailable(message: str) -> EngineError:
    """The ledger cannot be used now; trying again later may help."""
    return EngineError(ErrorCode.UNAVAILABLE, message, retry_after_seconds=RETRY_SECONDS)


def _lacks_schema(error: DBAPIError) -> bool:
    return isinstance(error, ProgrammingError) and _state(error) in _SCHEMA_STATES


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
