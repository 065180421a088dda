"""Reading forms with files: each file goes to disk while it arrives, up to the limit of one file.

There is no limit on all files of a form together: what an owner may store is one of the owner's limits.
"""

from __future__ import annotations

import sys
import tempfile
from typing import IO, Any, cast

from flask import Flask, Request, request

from api.parts import parts
from jobengine.domain.errors import EngineError, ErrorCode

_MEMORY_BYTES = 64 * 1024


def install(app: Flask) -> None:
    """Let the application read forms so."""
    app.request_class = FormRequest
    app.before_request(_lift_limit)


class FormRequest(Request):
    """A request whose files are limited one by one."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return cast(IO[bytes], _LimitedFile(parts().outside.settings.upload_limit_bytes, filename or ""))


class _LimitedFile(tempfile.SpooledTemporaryFile[bytes]):
    """Refuses to grow past a limit."""

    def __init__(self, limit_bytes: int, name: str) -> None:
        super().__init__(_MEMORY_BYTES, prefix="jobengine-")
        self._limit_bytes = limit_bytes
        self._file_name = name
        self._size_bytes = 0

    def write(self, data: Any) -> int:
        """Take in more bytes; raises EngineError(TOO_LARGE)."""
        self._size_bytes += len(data)
        if self._size_bytes > self._limit_bytes:
            message = f"The file {self._file_name!r} has more than {self._limit_bytes} bytes, which is the limit."
            raise EngineError(ErrorCode.TOO_LARGE, message, field="files")
        return super().write(data)


def _lift_limit() -> None:
    if request.mimetype == "multipart/form-data":
        request.max_content_length = sys.maxsize
