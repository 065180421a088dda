"""Bodies that no route may take, made from its proper one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator
from typing import Any

_BEYOND = "99999999999999999999"
# What the reader cannot follow, and what it can but others could not.
_DEEP, _RATHER_DEEP = ("[" * levels + "]" * levels for levels in (6000, 100))
_HOLE = "here it goes"
_ODD = {
    "a number": "7",
    "a fraction": "1.5",
    "true": "true",
    "a text": '"x"',
    "a list": "[[7]]",
    "an object": '{"a": {}}',
}

Bad = tuple[str, bytes, dict[str, str]]
"""What is bad about it, the body, and headers that go with it."""


def bad_bodies(proper: dict[str, Any], limit_bytes: int, free: Collection[str] = ()) -> Iterator[Bad]:
    """All of them; ``limit_bytes`` is what a body may have, and what stands under ``free`` names may be of any type."""
    text = json.dumps(proper)
    yield "no JSON", b"{pipeline: noop}", {}
    yield "half", text[:-1].encode(), {}
    yield "more after the end", f"{text} {text}".encode(), {}
    yield "nothing", b"", {}
    yield "bytes", b"\xff\xfe\x00", {}
    yield "packed", gzip.compress(text.encode()), {"Content-Encoding": "gzip"}
    for whole in (f"[{text}]", "7", "null", "true", json.dumps(text), "NaN", _BEYOND):
        yield whole[:40], whole.encode(), {}
    yield "deep", _DEEP.encode(), {}
    yield "rather deep under a name", text.replace("{", f'{{"deep": {_RATHER_DEEP}, ', 1).encode(), {}
    for name in proper:
        rest = text.removeprefix("{")
        yield f"{name} twice", f"{{{json.dumps(name)}: {json.dumps(proper[name])}, {rest}".encode(), {}
    for name, odd in (("NUL", "a\\u0000b"), ("half a character", "\\ud800"), ("half a pair", "\\udc00x")):
        yield f"{name} as a name", text.replace("{", f'{{"{odd}": 1, ', 1).encode(), {}
    for place, value in _places(proper):
        others = [] if set(place) & set(free) else _of_other_kinds(value)
        for about, odd in (*others, *_odd_values(value)):
            yield f"{about} at {place}", _with(proper, place, odd).encode(), {}
    spaces = " " * (limit_bytes - len(text))
    assert spaces, "The limit leaves no room for the proper body."
    yield "huge", f"{text}{spaces} ".encode(), {}


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place in a body with what is there, but for the whole."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        yield (*place, name), entry
        yield from _places(entry, (*place, name))


def _of_other_kinds(value: Any) -> list[tuple[str, str]]:
    return [(about, odd) for about, odd in _ODD.items() if _kind(json.loads(odd)) != _kind(value)]


def _odd_values(value: Any) -> Iterator[tuple[str, str]]:
    """What may stand in the place of no value."""
    yield "a number beyond 64 bits", _BEYOND
    yield "a number below 64 bits", f"-{_BEYOND}"
    yield "a number without end", "1e999"
    yield "no number", "NaN"
    yield "nesting without end", _DEEP
    yield "deep nesting", _RATHER_DEEP
    yield "NUL", '"a\\u0000b"'
    yield "half a character", '"\\ud800"'
    if isinstance(value, str) and len(value) == 24:
        yield "23 digits", f'"{value[:-1]}"'
        yield "25 digits", f'"{value}0"'
        yield "a path", '"../../etc/passwd"'


def _kind(value: Any) -> str:
    # Where a fraction may stand, so may a whole number.
    return "number" if type(value) in (int, float) else type(value).__name__


def _with(proper: Any, place: tuple[Any, ...], odd: str) -> str:
    changed = json.loads(json.dumps(proper))
    found = changed
    for name in place[:-1]:
        found = found[name]
    found[place[-1]] = _HOLE
    return json.dumps(changed).replace(f'"{_HOLE}"', odd)
