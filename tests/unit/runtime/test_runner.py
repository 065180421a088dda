"""Running deliveries: whatever a step does, what is reported of it is true, and the next task is run."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from marshmallow import Schema, fields

from jobengine.domain.reports import ReportKind
from jobengine.runtime import Context, Registry, Reject, Retry, step
from tests.unit.runtime.bench import WORKER, RunnerBench

STARTED, SUCCEEDED, FAILED = ReportKind.STARTED, ReportKind.SUCCEEDED, ReportKind.FAILED
LOGGED, PROGRESSED, RETURNED = ReportKind.LOGGED, ReportKind.PROGRESSED, ReportKind.RETURNED


@pytest.fixture
def bench(tmp_path: Path) -> RunnerBench:
    """A runner without steps."""
    return RunnerBench(tmp_path)


def test_a_step_that_returns_succeeds_with_its_result_and_its_artifacts(bench: RunnerBench) -> None:
    def read(context: Context) -> dict[str, Any]:
        saved = context.save_artifact("copy", context.file.path(), "text/plain")
        context.progress(0.5, "half")
        bench.now += 2.5
        return {"name": context.file.name, "bytes": saved.size_bytes}

    bench.define(read)
    started, progressed, succeeded = bench.run()
    assert (started.kind, progressed.kind, succeeded.kind) == (STARTED, PROGRESSED, SUCCEEDED)
    assert progressed.body == {"fraction": 0.5, "message": "half"}
    assert succeeded.body["result"] == {"name": "0.bin", "bytes": 5}
    (artifact,) = succeeded.body["artifacts"]
    with bench.artifacts.open(artifact["sha256"]) as stream:
        assert (artifact["name"], stream.read()) == ("copy", b"0.bin")
    assert succeeded.body["seconds"] == 2.5
    assert succeeded.body["cpu_seconds"] >= 0
    assert succeeded.body["peak_memory_bytes"] > 0


def test_the_parent_is_told_of_each_task_and_of_its_end(bench: RunnerBench) -> None:
    bench.define(lambda context: {})
    bench.run(tasks=2)
    assert bench.told == [f"{0:024x}", None, f"{1:024x}", None]


def test_a_step_that_rejects_says_why_and_has_no_traceback(bench: RunnerBench) -> None:
    def refuse(context: Context) -> dict[str, Any]:
        raise Reject(f"{context.file.name!r} is no image.")

    bench.define(refuse)
    said = bench.failure()
    assert (said["kind"], said["message"]) == ("step", "'0.bin' is no image.")
    assert "traceback" not in said


def test_a_step_that_wants_another_try_says_after_how_long(bench: RunnerBench) -> None:
    def ask(context: Context) -> dict[str, Any]:
        raise Retry(30, "The instrument is busy.")

    bench.define(ask)
    said = bench.failure()
    assert (said["kind"], said["message"], said["retry_after_seconds"]) == ("step", "The instrument is busy.", 30.0)


@pytest.mark.parametrize("after", [float("nan"), float("inf"), -1.0])
def test_a_step_that_wants_another_try_at_no_time_crashes(bench: RunnerBench, after: float) -> None:
    def ask(context: Context) -> dict[str, Any]:
        raise Retry(after)

    bench.define(ask)
    assert bench.failure()["kind"] == "crash"


def test_a_crash_keeps_its_traceback(bench: RunnerBench) -> None:
    def divide(context: Context) -> dict[str, Any]:
        return {"quotient": 1 // 0}

    bench.define(divide)
    said = bench.failure()
    assert (said["kind"], said["message"]) == ("crash", "ZeroDivisionError: integer division or modulo by zero")
    assert "in divide" in said["traceback"]


def test_a_step_is_interrupted_at_its_time_limit(bench: RunnerBench) -> None:
    def sleep(context: Context) -> dict[str, Any]:
        time.sleep(60)
        return {}

    bench.define(sleep)
    said = bench.failure(time_limit_seconds=0.05)
    assert (said["kind"], said["message"]) == ("timeout", "The step ran longer than 0.05 seconds.")


def test_each_task_of_a_delivery_has_its_time_limit_to_itself_and_none_is_left_behind(bench: RunnerBench) -> None:
    before = signal.getsignal(signal.SIGALRM)

    def sleep(context: Context) -> dict[str, Any]:
        time.sleep(60 if context.file.name == "1.bin" else 0.06)
        return {}

    bench.define(sleep)
    ends = [r.kind for r in bench.run(tasks=3, time_limit_seconds=0.1) if r.kind is not STARTED]
    assert ends == [SUCCEEDED, FAILED, SUCCEEDED]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_step_that_asks_for_more_memory_than_there_is_fails_for_memory(bench: RunnerBench) -> None:
    bench.define(lambda context: {"much": bytearray(2**62)})
    assert bench.failure()["kind"] == "memory"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "TypeError: a step returns a mapping, not NoneType"),
        ([1], "TypeError: a step returns a mapping, not list"),
        ({"x": float("nan")}, "ValueError: Out of range float values are not JSON compliant"),
        ({"x": object()}, "TypeError: Object of type object is not JSON serializable"),
        ({"x": "y" * 1000}, "ValueError: the result has 1009 bytes, 1000 are allowed; save large data as an artifact"),
    ],
)
def test_a_result_that_is_none_is_a_crash_that_says_so(bench: RunnerBench, result: Any, message: str) -> None:
    bench.define(lambda context: result)
    said = bench.failure()
    assert said["kind"] == "crash"
    assert said["message"].startswith(message)


def test_a_full_disk_is_our_fault_and_leaves_no_half_file(bench: RunnerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(context: Context) -> dict[str, Any]:
        context.save_artifact("large", b"x" * 100_000, "text/plain")
        return {}

    def fill(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bench.define(save)
    delivery = bench.delivery()
    before = sorted(bench.folder.rglob("*"))
    monkeypatch.setattr(os, "fsync", fill)
    bench.runner.run(delivery, WORKER)
    started, failed = bench.reports()
    assert (started.kind, failed.body["kind"]) == (STARTED, "system")
    assert "No space left on device" in failed.body["message"]
    assert sorted(bench.folder.rglob("*")) == before


def test_a_full_disk_where_the_step_itself_writes_is_our_fault_as_well(bench: RunnerBench) -> None:
    def write(context: Context) -> dict[str, Any]:
        with open("/dev/full", "wb") as full:
            full.write(b"x")
        return {}

    bench.define(write)
    assert bench.failure()["kind"] == "system"


def test_an_artifact_stream_that_breaks_leaves_no_half_file(bench: RunnerBench) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise RuntimeError("broken")

    def save(context: Context) -> dict[str, Any]:
        context.save_artifact("half", Broken(), "text/plain")
        return {}

    bench.define(save)
    assert bench.failure()["kind"] == "crash"
    assert list((bench.folder / "incoming").iterdir()) == []


def test_after_a_task_that_failed_the_next_one_is_run(bench: RunnerBench) -> None:
    def pick(context: Context) -> dict[str, Any]:
        if context.file.name == "1.bin":
            raise Reject("no")
        return {}

    bench.define(pick)
    reports = bench.run(tasks=3)
    assert [r.kind for r in reports] == [STARTED, SUCCEEDED, STARTED, FAILED, STARTED, SUCCEEDED]


def test_a_file_of_another_type_is_rejected_by_a_sentence(bench: RunnerBench) -> None:
    bench.define(lambda context: {}, accepts=["text/csv"])
    assert bench.failure()["message"] == "'0.bin' is of the type image/png; this step takes text/csv."


def test_a_parameter_that_cannot_be_used_is_rejected_by_a_sentence(bench: RunnerBench) -> None:
    class Needs(Schema):
        sigma = fields.Float(required=True)

    bench.define(lambda context: {}, parameters=Needs)
    said = bench.failure()
    assert said["kind"] == "step"
    assert "sigma" in said["message"]


def test_what_a_step_and_its_libraries_log_is_the_log_of_the_task(bench: RunnerBench) -> None:
    def talk(context: Context) -> dict[str, Any]:
        context.log("reading")
        logging.getLogger("library").warning("odd header")
        return {}

    bench.define(talk)
    assert [r.body["text"] for r in bench.run() if r.kind is LOGGED] == ["reading", "WARNING library: odd header"]


def test_what_is_logged_is_in_the_log_also_after_a_step_has_set_logging_up_anew(bench: RunnerBench) -> None:
    root = logging.getLogger()
    handlers = list(root.handlers)

    def set_up_and_talk(context: Context) -> dict[str, Any]:
        logging.getLogger("library").warning(context.file.name)
        root.handlers.clear()
        return {}

    bench.define(set_up_and_talk)
    try:
        logged = [r.body["text"] for r in bench.run(tasks=2) if r.kind is LOGGED]
    finally:
        root.handlers[:] = handlers
    assert logged == ["WARNING library: 0.bin", "WARNING library: 1.bin"]


def test_a_line_of_the_log_is_out_before_the_step_goes_on(bench: RunnerBench) -> None:
    seen: list[ReportKind] = []

    def talk(context: Context) -> dict[str, Any]:
        context.log("last words")
        seen.extend(r.kind for r in bench.reports())
        return {}

    bench.define(talk)
    bench.run()
    assert seen == [STARTED, LOGGED]


def test_a_delivery_that_is_withdrawn_is_not_run(bench: RunnerBench) -> None:
    bench.define(lambda context: {})
    delivery = bench.delivery()
    bench.transport.withdraw([delivery.id])
    bench.runner.run(delivery, WORKER)
    assert bench.reports() == []


def test_a_task_that_was_canceled_before_its_delivery_was_claimed_does_not_begin(bench: RunnerBench) -> None:
    bench.define(lambda context: {})
    bench.transport.announce_canceled([(f"{0:024x}", 1)])
    assert [r.task_id for r in bench.run(tasks=2) if r.kind is SUCCEEDED] == [f"{1:024x}"]


def test_a_delivery_of_a_step_that_is_not_there_goes_back(bench: RunnerBench) -> None:
    assert [r.kind for r in bench.run(step="b.step")] == [RETURNED]


def test_no_task_begins_in_a_worker_that_stops_and_what_was_done_is_reported_first(bench: RunnerBench) -> None:
    def stop_at_the_second(context: Context) -> dict[str, Any]:
        bench.is_stopping = context.file.name == "1.bin"
        return {}

    bench.define(stop_at_the_second)
    reports = bench.run(tasks=5)
    assert [r.kind for r in reports] == [STARTED, SUCCEEDED, STARTED, SUCCEEDED, RETURNED]
    assert (reports[-1].delivery_id, reports[-1].task_id) == ("d" * 24, None)


def test_a_delivery_that_comes_to_a_worker_that_stops_goes_back_at_once(bench: RunnerBench) -> None:
    bench.define(lambda context: {})
    bench.is_stopping = True
    assert [r.kind for r in bench.run(tasks=2)] == [RETURNED]


def test_a_worker_that_stops_at_the_last_task_of_a_delivery_gives_nothing_back(bench: RunnerBench) -> None:
    def stop(context: Context) -> dict[str, Any]:
        bench.is_stopping = True
        return {}

    bench.define(stop)
    assert [r.kind for r in bench.run()] == [STARTED, SUCCEEDED]


def test_a_step_whose_task_was_canceled_ends_where_it_speaks_and_later_ones_do_not_begin(bench: RunnerBench) -> None:
    def cancel_all(context: Context) -> dict[str, Any]:
        bench.transport.announce_canceled([(f"{number:024x}", 1) for number in range(2)])
        bench.now += 1.5
        context.progress(0.5)
        raise AssertionError("the step went on")

    bench.define(cancel_all)
    assert [r.kind for r in bench.run(tasks=2)] == [STARTED]


def test_a_task_that_was_canceled_while_another_ran_does_not_begin(bench: RunnerBench) -> None:
    def cancel_the_next(context: Context) -> dict[str, Any]:
        bench.transport.announce_canceled([(f"{1:024x}", 1)])
        bench.now += 1.5
        return {}

    bench.define(cancel_the_next)
    reports = bench.run(tasks=3)
    assert [r.task_id for r in reports if r.kind is SUCCEEDED] == [f"{0:024x}", f"{2:024x}"]


def test_a_folder_of_a_task_is_gone_after_it(bench: RunnerBench) -> None:
    def write(context: Context) -> dict[str, Any]:
        (context.folder / "scratch").write_bytes(b"x")
        return {"folder": str(context.folder)}

    bench.define(write)
    assert not Path(bench.run()[-1].body["result"]["folder"]).exists()


def test_two_modules_cannot_define_the_same_step() -> None:
    def module(name: str) -> ModuleType:
        made = ModuleType(name)
        declare = step("a.step", version="1", scope="file", result_kind="r")
        made.step = declare(lambda context: {})  # type: ignore[attr-defined]
        return made

    registry = Registry()
    registry.collect(module("one"))
    with pytest.raises(ValueError, match=r"a\.step"):
        registry.collect(module("two"))
