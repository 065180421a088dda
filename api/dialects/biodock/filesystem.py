"""Filesystem items: files, and the folders that they name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO, cast

from flask import Response, jsonify, request

from api.auth import SUBMIT
from api.dialects.biodock.door import blueprint, caller, starting_after
from api.dialects.dialect import iso, whole_number
from api.parts import parts
from jobengine.domain.errors import invalid, not_found
from jobengine.domain.filters import FileFilter, Page


@blueprint.post("/filesystem-items/upload-file")
def upload_file() -> Response:
    """Store one file; ``destinationFolder`` is a folder's name or ID, and is made where it is new."""
    owner_id = caller(SUBMIT).owner_id
    part = request.files.get("upload")
    if part is None:
        raise invalid("Send the file as a part named 'upload'.", "upload")
    name = request.form.get("fileName") or part.filename or ""
    folder = request.form.get("destinationFolder", "")
    folder = _folders(owner_id).get(folder, (folder, 0.0))[0]
    file = parts().engine.add_file(owner_id, name, cast(BinaryIO, part.stream), part.mimetype or "", folder)
    return jsonify({"id": file.id, "name": file.name, "__t": "File"})


@blueprint.get("/filesystem-items")
def list_items() -> Response:
    """What is in a folder; at the top, the folders come first."""
    who = caller()
    folders = _folders(who.sees)
    limit = whole_number(request.args.get("limit"), "limit", 50, 1, 1000)
    after = starting_after("an item")
    folder_id = request.args.get("folderId") or None
    if folder_id is not None and folder_id not in folders:
        raise not_found("folder", folder_id)
    name = folders[folder_id][0] if folder_id is not None else ""
    shown = [] if folder_id is not None else list(folders)
    where = FileFilter(owner_id=who.sees, folder=name)
    count = len(shown) + parts().queries.files.count(where)
    if after is not None:
        shown, after = (shown[shown.index(after) + 1 :], None) if after in folders else ([], after)
    items = [_folder_item(identifier, *folders[identifier]) for identifier in shown[:limit]]
    if len(items) < limit:
        for file in parts().queries.files.page(where, Page(limit=limit - len(items), after=after)):
            items.append({"id": file.id, "name": file.name, "createdAt": iso(file.created_at), "__t": "File"})
    return jsonify({"results": items, "count": count})


def expand_folders(owner_id: str, items: Iterable[str]) -> list[str]:
    """The files that are meant: those named, and all in the folders named; each once, in order."""
    folders = _folders(owner_id)
    files: dict[str, None] = {}
    for item in items:
        if item in folders:
            where = FileFilter(owner_id=owner_id, folder=folders[item][0])
            in_folder = parts().queries.files.page(where, Page(limit=None, descending=False))
            files |= dict.fromkeys(file.id for file in in_folder)
        else:
            files[item] = None
    return list(files)


def _folders(owner_id: str | None) -> dict[str, tuple[str, float]]:
    """Folders by ID: name, and since when there has been a file in it. The ID follows from the name."""
    return {
        hashlib.sha256(f"folder {name}".encode()).hexdigest()[:24]: (name, created_at)
        for name, created_at in parts().queries.files.folders(owner_id)
        if name
    }


def _folder_item(identifier: str, name: str, created_at: float) -> dict[str, Any]:
    return {"id": identifier, "name": name, "createdAt": iso(created_at), "__t": "Folder"}
