"""The kind of blueprint that all resources of the native API are."""

from __future__ import annotations

from flask_smorest import Blueprint as SmorestBlueprint

from api.strict import StrictParser


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """Reads its arguments strictly."""

    ARGUMENTS_PARSER = StrictParser()
