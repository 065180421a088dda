"""Sending a request of the table of routes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient

from tests.api.routes.contract import SAMPLE, UPLOAD, Row


def ask(client: FlaskClient, row: Row, ids: Mapping[str, str], headers: Mapping[str, str]) -> Any:
    """The answer to a request with its proper body."""
    path = filled_in(row.path, ids)
    # Read to its end: what is written while the ledger is read holds on to the request until then.
    return client.open(path, method=row.method, headers=dict(headers), buffered=True, **body_of(row, ids))


def body_of(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    """The proper body as arguments of a request; none where the route takes none."""
    if row.body is None:
        return {}
    if row.body == UPLOAD:
        part = "upload" if row.path.startswith("/api/external") else "files"
        return {"data": {"fileName": "new.png", part: (io.BytesIO(b"new"), "new.png")}}
    if row.body == SAMPLE:
        return {"data": b"new", "content_type": "application/octet-stream"}
    return {"json": filled_in(row.body, ids)}


def filled_in(value: Any, ids: Mapping[str, str]) -> Any:
    """The path or body with the IDs of things where it names them."""
    if isinstance(value, dict):
        return {name: filled_in(entry, ids) for name, entry in value.items()}
    if isinstance(value, list):
        return [filled_in(entry, ids) for entry in value]
    return value.format(**ids) if isinstance(value, str) else value
