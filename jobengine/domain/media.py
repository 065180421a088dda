"""What a media type is (RFC 6838, section 4.2)."""

from __future__ import annotations

import re

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PATTERN = re.compile(rf"{_NAME}/{_NAME}", re.ASCII)

ANY = "application/octet-stream"
"""Bytes of which no more is known."""


def is_media_type(text: str) -> bool:
    """Whether the whole text is a type and a subtype, without parameters."""
    return _PATTERN.fullmatch(text) is not None
