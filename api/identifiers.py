"""IDs in paths: in either case, or spelled as a UUID; whatever is none is a path that leads nowhere."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from jobengine.domain.ids import parse_id

ID_PATTERN = "^[0-9a-f]{24}$"
"""How IDs are spelled in answers."""

_DIGIT = "[0-9A-Fa-f]"
_PLAIN = f"{_DIGIT}{{24}}"
# Only UUIDs that spell an ID of ours (``jobengine.domain.ids``): a path that a converter takes back answers as a path
# with another method would.
_UUID = f"{_DIGIT}{{8}}-{_DIGIT}{{4}}-8{_DIGIT}{{3}}-8000-000{_DIGIT}{{9}}"


class IdConverter(BaseConverter):
    """``<id:job_id>`` in a route; the view gets the plain spelling."""

    regex = f"(?:{_PLAIN}|{_UUID})"

    def to_python(self, value: str) -> str:
        """The plain spelling."""
        return parse_id(value)


def install(app: Flask) -> None:
    """Let routes name IDs."""
    app.url_map.converters["id"] = IdConverter


def install_description(api: Api) -> None:
    """Say in the description what such a parameter is."""
    api.register_converter(IdConverter, _describe)


def _describe(converter: IdConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": ID_PATTERN}
