"""A step that reads from the artifact store, writes to it, and keeps a diary of what ended in which process."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from jobengine.runtime import Context, Node, pipeline, step

DIARY = "HOSTS_DIARY"
"""The variable with the path of the diary."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt that was run to its end."""

    task_id: str
    attempt: int
    process_id: int


class WorkParameters(Schema):
    """How long the work lasts after its artifact was saved."""

    seconds = fields.Float(load_default=0.5)


@step("hosts.work", version="1", scope="file", result_kind="digest", parameters=WorkParameters)
def work(context: Context) -> dict[str, Any]:
    """Save a copy of the file, take some time, and say what its content is."""
    with context.file.open() as stream:
        data = stream.read()
    context.save_artifact("copy.bin", data, "application/octet-stream")
    context.progress(0.5)
    time.sleep(context.parameters["seconds"])
    # One short write to a file opened for appending: lines of several processes do not mix.
    log = os.open(os.environ[DIARY], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, f"{context.task_id} {context.attempt} {os.getpid()}\n".encode())
    finally:
        os.close(log)
    return {"digest": hashlib.sha256(data).hexdigest()}


WORK = pipeline("work", version=1, nodes=[Node("work", "hosts.work")])


def read_diary(path: Path) -> list[Entry]:
    """Its entries in their order."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return [Entry(task_id, int(attempt), int(process_id)) for task_id, attempt, process_id in lines]
