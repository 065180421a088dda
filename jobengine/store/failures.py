"""What goes wrong in a database, in the words of the engine; mapped once, here, with the cause kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, TimeoutError

from jobengine.domain.errors import EngineError, ErrorCode

RETRY_SECONDS = 2.0

# "No such table" and "no such column" of PostgreSQL: the schema is not there yet. SQLite calls these operational.
_SCHEMA_STATES = ("42P01", "42703")


@contextmanager
def mapped_failures() -> Iterator[None]:
    """Raise EngineError(UNAVAILABLE) when the database cannot be reached, CONFLICT when it refuses a second row."""
    try:
        yield
    except IntegrityError as error:
        raise EngineError(ErrorCode.CONFLICT, f"The ledger refused a row: {_first_line(error)}.") from error
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise unavailable(f"The ledger cannot be reached: {_first_line(error)}.") from error
    except DBAPIError as error:
        if error.connection_invalidated or _lacks_schema(error):
            raise unavailable(f"The ledger cannot be used: {_first_line(error)}.") from error
        raise


def unavailable(message: str) -> EngineError:
    """The ledger cannot be used now; trying again later may help."""
    return EngineError(ErrorCode.UNAVAILABLE, message, retry_after_seconds=RETRY_SECONDS)


def _lacks_schema(error: DBAPIError) -> bool:
    return isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", None) in _SCHEMA_STATES


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
