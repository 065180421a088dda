"""Reading forms with files: each file goes to disk while it arrives, up to the limit of one file.

All files of a form together may have as many bytes as their owner may store. What is stored already is looked at when
all are read: a file that is there takes no room.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from flask import Flask, Request, request

from api.auth import owner_of_request
from api.parts import parts
from jobengine.domain.errors import EngineError, ErrorCode

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MEMORY_BYTES = 64 * 1024


def install(app: Flask) -> None:
    """Let the application read forms so."""
    app.request_class = FormRequest
    app.before_request(_lift_limit)


class FormRequest(Request):
    """A request whose files are limited one by one, and closed with it, whether its form could be read or not."""

    def __init__(self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False) -> None:
        super().__init__(environ, populate_request, shallow)
        self._begun: list[_LimitedFile] = []
        self._spent_bytes = 0
        self._most_bytes: float | None = None

    def close(self) -> None:
        """Let go of all files; those of a form that was refused are in no list but ours."""
        super().close()
        for file in self._begun:
            file.close()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self._most_bytes is None:
            self._most_bytes = _most_bytes()
        file = _LimitedFile(parts().outside.settings.upload_limit_bytes, filename or "", self._spend)
        self._begun.append(file)
        return cast(IO[bytes], file)

    def _spend(self, size_bytes: int) -> None:
        self._spent_bytes += size_bytes
        if self._spent_bytes > cast(float, self._most_bytes):
            message = f"{self._most_bytes} bytes may be stored, and these files have more; send fewer."
            raise EngineError(ErrorCode.LIMIT_REACHED, message, field="files", retry_after_seconds=60.0)


class _LimitedFile(tempfile.SpooledTemporaryFile[bytes]):
    """Refuses to grow past a limit."""

    def __init__(self, limit_bytes: int, name: str, spend: Callable[[int], None]) -> None:
        super().__init__(_MEMORY_BYTES, prefix="jobengine-")
        self._limit_bytes = limit_bytes
        self._file_name = name
        self._size_bytes = 0
        self._spend = spend

    def write(self, data: Any) -> int:
        """Take in more bytes; raises EngineError(TOO_LARGE), or (LIMIT_REACHED) for all files together."""
        self._size_bytes += len(data)
        if self._size_bytes > self._limit_bytes:
            message = f"The file {self._file_name!r} has more than {self._limit_bytes} bytes, which is the limit."
            raise EngineError(ErrorCode.TOO_LARGE, message, field="files")
        self._spend(len(data))
        return super().write(data)


def _most_bytes() -> float:
    owner_id = owner_of_request()
    limit = None if owner_id is None else parts().queries.owners.get(owner_id).limits.stored_bytes
    return math.inf if limit is None else limit


def _lift_limit() -> None:
    if request.mimetype == "multipart/form-data":
        request.max_content_length = sys.maxsize
