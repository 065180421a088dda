"""Taking files in: the bytes first, then the rows that name them."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence

from jobengine.domain.errors import conflict, invalid, not_found
from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.interfaces.artifacts import StoredBytes
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.media import ANY, is_media_type
from jobengine.domain.names import leads_elsewhere
from jobengine.domain.records import File
from jobengine.verbs.outside import Outside
from jobengine.verbs.requests import Upload
from jobengine.verbs.room import check_room, with_room

_NAME_LENGTH = 255
_TYPE_LENGTH = 100


def add_files(outside: Outside, owner_id: str, uploads: Sequence[Upload]) -> list[File]:
    """Store files, all or none. The same bytes under the same name in the same folder are the file that is there.

    Raises EngineError: INVALID for a bad name or type, TOO_LARGE past the upload limit, LIMIT_REACHED past the owner's.
    """
    for index, upload in enumerate(uploads):
        _check(upload, "" if len(uploads) == 1 else f"files.{index}.")
    limit = outside.settings.upload_limit_bytes
    sources = with_room(outside, owner_id, [upload.source for upload in uploads])
    stored = [outside.artifacts.put(source, limit_bytes=limit) for source in sources]
    with outside.store.begin() as ledger:
        return [_add(outside, ledger, owner_id, *pair) for pair in zip(uploads, stored, strict=True)]


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


def _check(upload: Upload, place: str) -> None:
    for field, text in (("name", upload.name), ("folder", upload.folder)):
        if len(text) > _NAME_LENGTH or any(ord(char) < 32 for char in text):
            raise invalid("Use up to 255 characters, none of them a control character.", place + field)
        if leads_elsewhere(text):
            raise invalid(
                "Use a name, or names with '/' between them; no root, and neither '.' nor '..'.", place + field
            )
    if not upload.name:
        raise invalid("A file needs a name.", f"{place}name")
    if upload.media_type and not (is_media_type(upload.media_type) and len(upload.media_type) <= _TYPE_LENGTH):
        raise invalid("A media type is spelled like image/png.", f"{place}media_type")


def _add(outside: Outside, ledger: Ledger, owner_id: str, upload: Upload, stored: StoredBytes) -> File:
    same = ledger.files.page(FileFilter(owner_id=owner_id, sha256=stored.sha256), Page(limit=1000))
    known = next((file for file in same if (file.name, file.folder) == (upload.name, upload.folder)), None)
    if known is not None:
        return known
    if not same:
        # Asked again: somebody may have stored something meanwhile.
        check_room(ledger, owner_id, {stored.sha256: stored.size_bytes})
    file = File(
        id=outside.ids.new(),
        owner_id=owner_id,
        name=upload.name,
        folder=upload.folder,
        media_type=_media_type(upload),
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_at=outside.clock(),
    )
    ledger.files.insert([file])
    return file


def _media_type(upload: Upload) -> str:
    """What the client says, or where it says nothing, what the name says."""
    if upload.media_type not in ("", ANY):
        return upload.media_type
    return mimetypes.guess_type(upload.name)[0] or ANY
