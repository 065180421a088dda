"""The HTTP surface: Flask and marshmallow over the engine's verbs and queries."""

from api.application import create_app

__all__ = ["create_app"]
