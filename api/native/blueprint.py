"""The kind of blueprint that all resources of the native API are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint as SmorestBlueprint

from api.strict import StrictParser, marked_as_reading_query


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """Reads its arguments strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[..., Any]:
        """Let a schema read the body or the query; see flask-smorest."""
        decorate: Callable[..., Any] = super().arguments(schema, location=location, **options)
        return decorate if location != "query" else lambda view: marked_as_reading_query(decorate(view))
