"""Steps, libraries and inputs that are broken: the task is to blame, and no other."""

from __future__ import annotations

import io
import logging
import signal
from pathlib import Path
from typing import Any

import pytest

from jobengine.domain.reports import ReportKind
from jobengine.runtime import Context
from tests.unit.runtime.bench import RunnerBench

STARTED, SUCCEEDED, FAILED = ReportKind.STARTED, ReportKind.SUCCEEDED, ReportKind.FAILED


@pytest.fixture
def bench(tmp_path: Path) -> RunnerBench:
    """A runner without steps."""
    return RunnerBench(tmp_path)


class Panic(BaseException):
    """What libraries raise that are not written in Python."""


class Dumb(Exception):
    """What cannot say what is wrong."""

    def __str__(self) -> str:
        raise AttributeError("words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (Panic("index out of bounds"), "Panic: index out of bounds"),
        (Dumb(), "Dumb: it cannot say what is wrong."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_step_raises_is_reported_and_the_next_task_is_run(
    bench: RunnerBench, error: BaseException, message: str
) -> None:
    def fail(context: Context) -> dict[str, Any]:
        if context.file.name == "0.bin":
            raise error
        return {}

    bench.define(fail)
    reports = bench.run(tasks=2)
    assert [report.kind for report in reports] == [STARTED, FAILED, STARTED, SUCCEEDED]
    assert (reports[1].body["kind"], reports[1].body["message"]) == ("crash", message)


def test_a_process_that_is_told_to_end_does_and_its_task_is_not_to_blame(bench: RunnerBench) -> None:
    def wait(context: Context) -> dict[str, Any]:
        raise SystemExit(signal.SIGTERM - 256)

    bench.define(wait)
    with pytest.raises(SystemExit):
        bench.run()
    assert [report.kind for report in bench.reports()] == [STARTED]


def test_an_input_that_broke_off_is_not_taken_for_whole(bench: RunnerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("The connection broke off.")
            return super().read(2)

    def read(context: Context) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.setattr(bench.artifacts, "open", lambda sha256: Broken(b"0.bin"))
            with pytest.raises(OSError, match="broke off"):
                context.file.path()
        return {"read": context.file.path().read_text(), "left": len(list(context.file.path().parent.iterdir()))}

    bench.define(read)
    *_, succeeded = bench.run()
    assert succeeded.body["result"] == {"read": "0.bin", "left": 1}


def test_a_library_that_logs_nonsense_ends_no_step(bench: RunnerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def log(context: Context) -> dict[str, Any]:
        logging.getLogger("lib").warning("%d files", "many")
        return {}

    # Whoever tests with it wants to see such mistakes; what it does otherwise is to say them on the error stream.
    monkeypatch.setattr(logging, "raiseExceptions", False)
    bench.define(log)
    assert [report.kind for report in bench.run()] == [STARTED, SUCCEEDED]
