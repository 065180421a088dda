"""Samples: what is submitted becomes a file, and its submission a job."""

from __future__ import annotations

import re
from typing import IO, Any, BinaryIO, cast

from flask import Response, request

from api.auth import SUBMIT
from api.dialects.argus.documents import job_document
from api.dialects.argus.door import PREFIX, blueprint, caller, milliseconds, read_body, stash, without_absent
from api.dialects.dialect import text_of
from api.parts import parts
from jobengine.domain.errors import invalid, not_found
from jobengine.domain.filters import FileFilter, Page
from jobengine.domain.records import File, Job
from jobengine.verbs.builtin import EXTERNAL_PIPELINE
from jobengine.verbs.requests import JobRequest

_SUBMISSION = (
    *("fileName", "metaData", "customer", "observedTimestamp", "mimeType", "tlp", "acl"),
    *("userAgent", "challengeToken", "retention"),
)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class _Begun:
    """A stream whose first byte was read, to see whether there is one: a body in chunks does not tell its length."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._first = stream.read(1)
        self.is_empty = not self._first

    def read(self, size: int = -1) -> bytes:
        """The next bytes, up to this many; without a number, all."""
        first, self._first = self._first, b""
        return first + self._stream.read(size if size < 0 else size - len(first))


@blueprint.post(f"{PREFIX}/sample")
def add_sample() -> Response:
    """Store a sample, sent as the body, whatever its type is, or as a part named ``file`` of a form.

    It is analysed when it is submitted.
    """
    owner_id = caller(SUBMIT, reads=("fileName",)).owner_id
    # Looking for parts reads the body, so it must not be done to one that is the sample itself.
    is_form = request.mimetype == "multipart/form-data"
    part = request.files.get("file") if is_form else None
    name = (part.filename if part else None) or request.args.get("fileName") or "sample"
    body = _Begun(part.stream if part else request.stream)
    # A form in which no parts were found, as it does not say where they end, is no sample either.
    if body.is_empty or (is_form and part is None):
        raise invalid("Send the sample's bytes as the body, or as a part named 'file' of a form.", "file")
    return stash(_sample(parts().engine.add_file(owner_id, name, cast(BinaryIO, body))), 201)


@blueprint.get(f"{PREFIX}/sample/<string:sha256>")
def get_sample(sha256: str) -> Response:
    """What is known of a sample."""
    return stash(_sample(_find(caller().sees, sha256)))


@blueprint.post(f"{PREFIX}/sample/<string:sha256>/submission")
def add_submission(sha256: str) -> Response:
    """Submit a sample: a job begins, whose tasks analyzers outside add and move.

    Where ``metaData`` names a ``pipeline``, the engine's own workers run that instead.
    """
    who = caller(SUBMIT)
    body = read_body(_SUBMISSION)
    file = _find(who.owner_id, sha256)
    about = body.get("metaData") or {}
    if not isinstance(about, dict):
        raise invalid("This must be an object.", "metaData")
    job = parts().engine.submit(
        JobRequest(
            owner_id=who.owner_id,
            pipeline=text_of(about, "pipeline", default=EXTERNAL_PIPELINE),
            file_ids=(file.id,),
            name=text_of(body, "fileName", default=file.name),
        )
    )
    return stash(_submission(job, file), 201)


@blueprint.put(f"{PREFIX}/sample/<string:sha256>/reanalyse")
def reanalyse(sha256: str) -> Response:
    """Submit a sample again."""
    who = caller(SUBMIT)
    file = _find(who.owner_id, sha256)
    job = parts().engine.submit(JobRequest(who.owner_id, EXTERNAL_PIPELINE, (file.id,), name=file.name))
    return stash(_submission(job, file), 201)


def _find(owner_id: str | None, sha256: str) -> File:
    digest = sha256.lower()
    found = []
    if _SHA256.fullmatch(digest):
        found = parts().queries.files.page(FileFilter(owner_id=owner_id, sha256=digest), Page(limit=1))
    if not found:
        raise not_found("sample", sha256)
    return found[0]


def _sample(file: File) -> dict[str, Any]:
    return {
        "id": file.sha256,
        "sha256": file.sha256,
        "size": file.size_bytes,
        "fileName": file.name,
        "mimeType": file.media_type,
        "submittedTimestamp": milliseconds(file.created_at),
    }


def _submission(job: Job, file: File) -> dict[str, Any]:
    return without_absent({**_sample(file), "id": job.id, "job": job_document(job)})
