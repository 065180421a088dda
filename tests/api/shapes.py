"""Comparing an answer with a page's example: key by key, and type by type."""

from __future__ import annotations

from typing import Any


def assert_like(example: Any, found: Any, place: str = "$") -> None:
    """Every key of the example is there with a value of its type; null passes, as do keys that are more."""
    if found is None:
        return
    if isinstance(example, dict):
        assert isinstance(found, dict), place
        for key, value in example.items():
            assert key in found, f"{place}.{key} is missing"
            assert_like(value, found[key], f"{place}.{key}")
    elif isinstance(example, list):
        assert isinstance(found, list), place
        for index, entry in enumerate(found[:3] if example else []):
            assert_like(example[0], entry, f"{place}[{index}]")
    elif isinstance(example, (int, float)) and not isinstance(example, bool):
        assert type(found) in (int, float), f"{place} is {found!r}"
    else:
        assert isinstance(found, type(example)), f"{place} is {found!r}"
