"""Taking files in: the bytes first, then the row that names them."""

from __future__ import annotations

import mimetypes
from typing import BinaryIO

from jobengine.domain.errors import EngineError, ErrorCode, conflict, invalid, not_found
from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.interfaces import Ledger
from jobengine.domain.records import File
from jobengine.verbs.outside import Outside

_NAME_LENGTH = 255
_ANY = "application/octet-stream"


def add_file(
    outside: Outside, owner_id: str, name: str, source: BinaryIO, media_type: str = "", folder: str = ""
) -> File:
    """Store a file. The same bytes under the same name in the same folder are the file that is there already.

    Raises EngineError: INVALID for a bad name, TOO_LARGE past the upload limit, LIMIT_REACHED past the owner's.
    """
    for field, text in (("name", name), ("folder", folder)):
        if len(text) > _NAME_LENGTH or any(ord(char) < 32 for char in text):
            raise invalid("Use up to 255 characters, none of them a control character.", field)
    if not name:
        raise invalid("A file needs a name.", "name")
    stored = outside.artifacts.put(source, limit_bytes=outside.settings.upload_limit_bytes)
    with outside.store.begin() as ledger:
        same = ledger.files.page(FileFilter(owner_id=owner_id, sha256=stored.sha256), Page(limit=1000))
        known = next((file for file in same if (file.name, file.folder) == (name, folder)), None)
        if known is not None:
            return known
        _check_room(ledger, owner_id, 0 if same else stored.size_bytes)
        if media_type in ("", _ANY):
            media_type = mimetypes.guess_type(name)[0] or _ANY
        file = File(
            id=outside.ids.new(),
            owner_id=owner_id,
            name=name,
            folder=folder,
            media_type=media_type[:100],
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            created_at=outside.clock(),
        )
        ledger.files.insert([file])
    return file


def delete_file(outside: Outside, owner_id: str | None, file_id: str) -> None:
    """Delete a file's row; raises EngineError(CONFLICT) while a job needs it. The bytes are collected later."""
    with outside.store.begin() as ledger:
        file = ledger.files.fetch([file_id]).get(file_id)
        if file is None or owner_id not in (None, file.owner_id):
            raise not_found("file", file_id)
        ledger.files.hold(file.owner_id, to_delete=True)
        if ledger.files.is_needed(file_id):
            raise conflict("A job that has not ended needs this file; wait for it, or cancel it.")
        ledger.files.delete([file_id])


def _check_room(ledger: Ledger, owner_id: str, more: int) -> None:
    owner = ledger.owners.fetch([owner_id]).get(owner_id)
    limit = owner.limits.stored_bytes if owner else None
    if limit is not None and ledger.files.stored_bytes(owner_id) + more > limit:
        raise EngineError(
            ErrorCode.LIMIT_REACHED,
            f"{limit} bytes may be stored, and this file would go past that; delete something first.",
            retry_after_seconds=60.0,
        )
