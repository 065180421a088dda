"""Comparing an answer with a page's example: key by key, and type by type.

The examples are those of the pages, carried in ``pages/``, one JSON file for each page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

_PAGES = Path(__file__).parent / "pages"


def example_of(page: str, name: str) -> Any:
    """The example of that name from the file of a page."""
    return json.loads((_PAGES / f"{page}.json").read_text())[name]


def assert_like(example: Any, found: Any, *, nullable: Collection[str] = (), place: str = "$") -> None:
    """Every key of the example is there with a value of its type; the answer may have more keys.

    Null passes where the example has null, and at the places in ``nullable``, spelled like ``$.results[].name``.
    A list that has entries in the example has some in the answer, and each is like the example's first.
    """
    if example is None or (found is None and re.sub(r"\[\d+\]", "[]", place) in nullable):
        return
    assert _kind(found) in _kinds(example), f"{place} is {found!r}; the page has {example!r}"
    if isinstance(example, dict):
        for key, value in example.items():
            assert key in found, f"{place}.{key} is missing"
            assert_like(value, found[key], nullable=nullable, place=f"{place}.{key}")
    if isinstance(example, list) and example:
        assert found, f"{place} is empty, which proves nothing"
        for index, entry in enumerate(found):
            assert_like(example[0], entry, nullable=nullable, place=f"{place}[{index}]")


def _kinds(example: Any) -> tuple[str, ...]:
    """What may be answered: a fraction that happens to be whole is still one."""
    return ("number", "whole number") if type(example) is float else (_kind(example),)


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "whole number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
