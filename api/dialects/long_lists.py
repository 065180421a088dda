"""Lists that a contract does not bound: written while the ledger is read, and never held as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from flask import Response, current_app, stream_with_context

from api.parts import parts
from jobengine.domain.filters import JobFilter, Page
from jobengine.domain.orders import Key, sort_key
from jobengine.domain.records import Job
from jobengine.queries.batches import BatchView

STRETCH = 200
"""How many jobs are read at once."""

Row = TypeVar("Row")


def all_jobs(
    where: JobFilter,
    after: str | None = None,
    offset: int = 0,
    *,
    descending: bool = True,
    limit: int | None = None,
) -> Iterator[Job]:
    """All jobs that meet the criteria, or so many, read a stretch at a time while they are asked for.

    Raises EngineError(INVALID) where the job ``after`` which to go on is gone, in an order that is not that of IDs.
    """
    key: Key | None = None
    while limit is None or limit > 0:
        wanted = STRETCH if limit is None else min(limit, STRETCH)
        rows = parts().queries.jobs.page(where, Page(wanted, after, offset, descending, key))
        yield from rows
        if len(rows) < wanted:
            return
        # With its key, a job need not be there any more for the list to go on after it.
        after, key, offset = rows[-1].id, sort_key(rows[-1], where.sort), 0
        limit = None if limit is None else limit - wanted


def all_batches(sees: str | None) -> Iterator[BatchView]:
    """All batches that somebody sees, newest first, read a stretch at a time while they are asked for."""
    after: str | None = None
    while True:
        views = parts().queries.batches.views(sees, Page(STRETCH, after))
        yield from views
        if len(views) < STRETCH:
            return
        after = views[-1].batch.id


def stretches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The same rows, as many at a time as are read at once."""
    left = iter(rows)
    while stretch := list(islice(left, STRETCH)):
        yield stretch


def written_list(before: str, entries: Iterator[Any], after: Callable[[int], str]) -> Response:
    """A list of JSON between two texts, written as its entries come; the second is told how many came.

    What goes wrong with the first is an error as any other; later, the answer breaks off, and is no JSON.
    """
    texts = (current_app.json.dumps(entry) for entry in entries)
    first = next(texts, None)

    def write() -> Iterator[str]:
        count = 0 if first is None else 1
        yield before + (first or "")
        for text in texts:
            yield f", {text}"
            count += 1
        yield after(count)

    return Response(stream_with_context(write()), mimetype="application/json")
