"""Lists that a contract does not bound: written while the ledger is read, and never held as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, stream_with_context

from api.parts import parts
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.records import Job

STRETCH = 200
"""How many jobs are read at once."""


def all_jobs(where: JobFilter, after: str | None = None, offset: int = 0, *, descending: bool = True) -> Iterator[Job]:
    """All jobs that meet the criteria, read a stretch at a time while they are asked for."""
    while True:
        page = Page(limit=STRETCH, after=after, offset=offset, descending=descending)
        rows = parts().queries.jobs(where, page)
        yield from rows
        if len(rows) < STRETCH:
            return
        after, offset = rows[-1].id, 0


def written_list(before: str, entries: Iterator[Any], after: str) -> Response:
    """A list of JSON between two texts, written as its entries come.

    What goes wrong with the first is an error as any other; later, the answer breaks off, and is no JSON.
    """
    texts = (current_app.json.dumps(entry) for entry in entries)
    first = next(texts, "")

    def write() -> Iterator[str]:
        yield before + first
        for text in texts:
            yield f", {text}"
        yield after

    return Response(stream_with_context(write()), mimetype="application/json")
