"""Reading forms with files: each file goes to disk while it arrives, up to the limit of one file.

There is no limit on all files of a form together: what an owner may store is one of the owner's limits.
"""

from __future__ import annotations

import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any, cast

from flask import Flask, Request, request

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
        file = _LimitedFile(parts().outside.settings.upload_limit_bytes, filename or "")
        self._begun.append(file)
        return cast(IO[bytes], file)


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
