"""What a search by text looks at: name and ID, folded, so that case does not matter in any alphabet."""

from __future__ import annotations


def search_text(name: str, identifier: str) -> str:
    """The text that is stored for the search beside a row."""
    return f"{name}\n{identifier}".casefold()
