"""Files: upload, list, read, download, delete."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from flask import Response, request
from marshmallow import Schema, fields
from werkzeug.exceptions import UnsupportedMediaType

from api.auth import READ, SUBMIT, caller, may
from api.download import send_content
from api.native.blueprint import Blueprint
from api.native.criteria import SOME_TEXT
from api.native.shapes import FileShape, file_shape, page_shape
from api.paging import PageArguments, listed, page_of
from api.parts import parts
from jobengine.domain.errors import invalid
from jobengine.domain.filters import FileFilter
from jobengine.verbs.requests import Upload

blueprint = Blueprint("files", __name__, url_prefix="/api/v1", description="What jobs work on")


class UploadShape(Schema):
    """The files of one upload, in its order."""

    items = fields.List(fields.Nested(FileShape), required=True)


FilePageShape = page_shape(FileShape)


class FileArguments(PageArguments):
    """Which files."""

    folder = fields.String(load_default=None)
    text = fields.String(load_default=None, validate=SOME_TEXT)


@blueprint.post("/files")
@may(SUBMIT)
@blueprint.response(201, UploadShape)
def upload() -> dict[str, Any]:
    """Upload one or many files as multipart/form-data: parts named ``files``, and ``folder`` if there is one.

    All are stored, or none. Each goes to disk while it arrives; nothing large is held in memory.
    """
    owner_id = caller().owner_id
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send the files as multipart/form-data.")
    given = request.files.getlist("files")
    if not given:
        raise invalid("Send at least one part named 'files', with a file name.", "files")
    folder = request.form.get("folder", "")
    uploads = [Upload(part.filename or "", cast(BinaryIO, part.stream), part.mimetype or "", folder) for part in given]
    return {"items": [file_shape(file) for file in parts().engine.add_files(owner_id, uploads)]}


@blueprint.get("/files")
@may(READ)
@blueprint.arguments(FileArguments, location="query")
@blueprint.response(200, FilePageShape)
def list_files(arguments: dict[str, Any]) -> dict[str, Any]:
    """List files, newest first."""
    where = FileFilter(owner_id=caller().sees, folder=arguments["folder"], text=arguments["text"])
    rows = parts().queries.files.page(where, page_of(arguments))
    return listed(rows, arguments, [file_shape(file) for file in rows])


@blueprint.get("/files/<id:file_id>")
@may(READ)
@blueprint.response(200, FileShape)
def get_file(file_id: str) -> dict[str, Any]:
    """One file."""
    return file_shape(parts().queries.files.get(caller().sees, file_id))


@blueprint.get("/files/<id:file_id>/content")
@may(READ)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def download_file(file_id: str) -> Response:
    """The bytes of a file."""
    file = parts().queries.files.get(caller().sees, file_id)
    return send_content(file.sha256, file.name, file.media_type, file.size_bytes)


@blueprint.get("/jobs/<id:job_id>/files")
@may(READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, FilePageShape)
def list_files_of_job(arguments: dict[str, Any], job_id: str) -> dict[str, Any]:
    """List the files that a job works on, oldest first."""
    where = FileFilter(owner_id=caller().sees, job_id=job_id)
    rows = parts().queries.files.page(where, page_of(arguments, descending=False))
    return listed(rows, arguments, [file_shape(file) for file in rows])


@blueprint.delete("/files/<id:file_id>")
@may(SUBMIT)
@blueprint.response(204)
@blueprint.refuses(409, "A job that has not ended needs the file.")
def delete_file(file_id: str) -> None:
    """Delete a file; refused while a job that has not ended needs it."""
    parts().engine.delete_file(caller().sees, file_id)
