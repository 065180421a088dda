"""The kind of blueprint that all resources of the native API are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint as SmorestBlueprint

from api.strict import StrictParser, marked_as_reading_query

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sending the same body with the same key again gives what the first time gave.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 300},
}


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """Reads its arguments strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[..., Any]:
        """Let a schema read the body or the query; see flask-smorest."""
        decorate: Callable[..., Any] = super().arguments(schema, location=location, **options)
        return decorate if location != "query" else lambda view: marked_as_reading_query(decorate(view))

    def refuses(self, status: int, sentence: str) -> Callable[..., Any]:
        """Describe a refusal of this view's own; those that follow from what a view is are described without."""
        decorate: Callable[..., Any] = self.alt_response(status, description=sentence)
        return decorate
