"""What a batch asked for, with the page's types, whatever the batch was submitted with."""

from __future__ import annotations

from typing import Any

from jobengine.domain.records import Batch

_CPU = 1
_MEMORY = 512
_LARGEST = 2**31


def hardware(batch: Batch) -> dict[str, Any]:
    """The file systems, processors and megabytes; what cannot be read is as if it had not been said.

    Batches come through the native API, which took any hardware once: one odd batch must not break the list of all.
    """
    given = batch.hardware
    return {
        "filesystem_list": _filesystems(given.get("filesystem_list")),
        "cpu": _whole(given.get("cpu"), _CPU),
        "memory": _whole(given.get("memory"), _MEMORY),
    }


def _whole(value: Any, default: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= _LARGEST:
        return default
    return int(value)


def _filesystems(value: Any) -> list[dict[str, str]]:
    """The client's parser takes these two keys and no other."""
    entries = value if isinstance(value, list) else []
    return [found for entry in entries if (found := _filesystem(entry)) is not None]


def _filesystem(entry: Any) -> dict[str, str] | None:
    if isinstance(entry, str):
        entry = {"filesystem_id": entry}
    identifier = entry.get("filesystem_id") if isinstance(entry, dict) else None
    if not isinstance(identifier, str):
        return None
    name = entry.get("filesystem_name")
    return {"filesystem_id": identifier, "filesystem_name": name if isinstance(name, str) else identifier}
