"""Names of files and folders: kept as they come, but none that would lead somewhere else where one is unpacked."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[/\\]")
_ROOT = re.compile(r"[/\\]|[A-Za-z]:[/\\]")


def leads_elsewhere(name: str) -> bool:
    """Whether the name, taken as a path of any system, begins at a root or has a step to a folder itself or above."""
    return _ROOT.match(name) is not None or not {".", ".."}.isdisjoint(_SEPARATORS.split(name))
