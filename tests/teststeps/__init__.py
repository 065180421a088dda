"""Steps for tests: quick, slow, failing and deadly ones."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from marshmallow import Schema, fields

from jobengine.runtime import Context, Node, Reject, RetryPolicy, pipeline, step


class SleepParameters(Schema):
    """How long to sleep."""

    seconds = fields.Float(load_default=0.1)


@step("test.noop", version="1", scope="file", result_kind="noop", tasks_per_delivery=100)
def noop(context: Context) -> dict[str, Any]:
    """Nothing."""
    return {}


@step("test.size", version="1", scope="file", result_kind="size")
def size(context: Context) -> dict[str, Any]:
    """The size of the file; an empty one is rejected."""
    with context.file.open() as stream:
        data = stream.read()
    if not data:
        raise Reject(f"{context.file.name!r} is empty.")
    context.save_artifact("copy", data, "application/octet-stream")
    return {"bytes": len(data)}


@step("test.sum", version="1", scope="job", result_kind="sum")
def total(context: Context) -> dict[str, Any]:
    """The sum over all files."""
    return {"bytes": sum(before.result["bytes"] for before in context.predecessors), "files": len(context.files)}


@step("test.sleep", version="1", scope="file", result_kind="sleep", parameters=SleepParameters)
def sleep(context: Context) -> dict[str, Any]:
    """Sleep in short naps, and say how far it is."""
    seconds = context.parameters["seconds"]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(0.05, left))
        context.progress(1 - left / seconds if seconds else 1.0)
    return {"slept": seconds}


@step("test.kill", version="1", scope="file", result_kind="none")
def kill(context: Context) -> dict[str, Any]:
    """Take the process down."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


@step(
    "test.deaf",
    version="1",
    scope="file",
    result_kind="none",
    time_limit_seconds=0.5,
    retry=RetryPolicy(max_retries=0),
)
def deaf(context: Context) -> dict[str, Any]:
    """Ignore the time limit."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:  # noqa: BLE001 - this is what the step is for
            context.log("Not listening.")
    return {}


NOOP = pipeline("noop", version=1, nodes=[Node("noop", "test.noop")])
SUM = pipeline("sum", version=1, nodes=[Node("size", "test.size"), Node("sum", "test.sum", after=("size",))])
SLEEP = pipeline("sleep", version=1, nodes=[Node("sleep", "test.sleep")])
KILL = pipeline("kill", version=1, nodes=[Node("kill", "test.kill")])
DEAF = pipeline("deaf", version=1, nodes=[Node("deaf", "test.deaf")])
