"""Steps of every temper; each writes down that it ran, so that work done twice is seen."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any

from jobengine.runtime import Context, Node, Reject, RetryPolicy, pipeline, step

_QUICK = RetryPolicy(max_retries=3, delay_seconds=0.2, backoff=1.0)


def expected(data: bytes) -> str:
    """What every step makes of a file."""
    return hashlib.sha256(data).hexdigest()


def _digest(context: Context) -> dict[str, Any]:
    with context.file.open() as stream:
        digest = expected(stream.read())
    # One short write to a file opened for appending: lines of several processes do not mix.
    log = os.open(os.environ["CHAOS_EXECUTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, f"{context.task_id}\n".encode())
    finally:
        os.close(log)
    return {"digest": digest}


@step("chaos.short", version="1", scope="file", result_kind="digest", retry=_QUICK, tasks_per_delivery=20)
def short(context: Context) -> dict[str, Any]:
    """A few milliseconds."""
    time.sleep(0.01)
    return _digest(context)


@step("chaos.long", version="1", scope="file", result_kind="digest", retry=_QUICK)
def long(context: Context) -> dict[str, Any]:
    """Two seconds, with progress and an artifact."""
    for tenth in range(10):
        time.sleep(0.2)
        context.progress(tenth / 10)
    context.save_artifact("copy.txt", b"kept", "text/plain")
    return _digest(context)


@step("chaos.flaky", version="1", scope="file", result_kind="digest", retry=_QUICK)
def flaky(context: Context) -> dict[str, Any]:
    """Fails at first."""
    if context.attempt == 1:
        raise RuntimeError("not at the first try")
    return _digest(context)


@step("chaos.rejecting", version="1", scope="file", result_kind="digest")
def rejecting(context: Context) -> dict[str, Any]:
    """Says no."""
    raise Reject("this file is never analysed")


@step("chaos.crashing", version="1", scope="file", result_kind="digest", retry=_QUICK)
def crashing(context: Context) -> dict[str, Any]:
    """Takes its process down at the first try."""
    if context.attempt == 1:
        os._exit(3)
    return _digest(context)


@step("chaos.deadly", version="1", scope="file", result_kind="digest", retry=_QUICK)
def deadly(context: Context) -> dict[str, Any]:
    """Takes its process down whenever it runs."""
    os.abort()


@step(
    "chaos.hungry",
    version="1",
    scope="file",
    result_kind="digest",
    memory_limit_bytes=400 * 1024**2,
    retry=RetryPolicy(max_retries=0),
)
def hungry(context: Context) -> dict[str, Any]:
    """Takes more memory than it may."""
    taken = [b"x" * 50 * 1024**2 for _ in range(12)]
    time.sleep(20)
    return {"digest": str(len(taken))}


@step("chaos.sum", version="1", scope="job", result_kind="sum")
def total(context: Context) -> dict[str, Any]:
    """All digests of the job as one."""
    digests = sorted(before.result["digest"] for before in context.predecessors)
    return {"digest": expected("".join(digests).encode())}


SHORT = pipeline(
    "chaos-short", version=1, nodes=[Node("work", "chaos.short"), Node("sum", "chaos.sum", after=("work",))]
)
LONG = pipeline("chaos-long", version=1, nodes=[Node("work", "chaos.long"), Node("sum", "chaos.sum", after=("work",))])
FLAKY = pipeline("chaos-flaky", version=1, nodes=[Node("work", "chaos.flaky")])
REJECTING = pipeline("chaos-rejecting", version=1, nodes=[Node("work", "chaos.rejecting")])
CRASHING = pipeline("chaos-crashing", version=1, nodes=[Node("work", "chaos.crashing")])
DEADLY = pipeline("chaos-deadly", version=1, nodes=[Node("work", "chaos.deadly")])
HUNGRY = pipeline("chaos-hungry", version=1, nodes=[Node("work", "chaos.hungry")])
