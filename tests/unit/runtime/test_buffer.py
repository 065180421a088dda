"""Reports on their way out: never in the way of a step, kept until they are written, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.reports import Report, ReportKind, encode_reports
from jobengine.runtime.buffer import ReportBuffer
from tests.servers import wait_until

TASK = "7" * 24


class Channel:
    """A worker's end that can be away, or stand still in the middle of a write."""

    def __init__(self) -> None:
        self.entries: list[list[Report]] = []
        self.is_away = False
        self.refusals = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def report(self, reports: Sequence[Report]) -> None:
        """Write, or not."""
        self.goes_on.wait()
        if self.is_away:
            self.refusals += 1
            raise EngineError(ErrorCode.UNAVAILABLE, "away")
        encode_reports(reports)
        self.entries.append(list(reports))

    @property
    def written(self) -> list[Report]:
        """All that was written, in order."""
        return [report for entry in self.entries for report in entry]


def report(kind: ReportKind, /, attempt: int = 1, **body: object) -> Report:
    """One of a task."""
    return Report(kind, "w", 0.0, "d" * 24, TASK, attempt, body)


STARTED, SUCCEEDED = report(ReportKind.STARTED), report(ReportKind.SUCCEEDED, result={}, artifacts=[])


@pytest.fixture
def channel() -> Channel:
    """One that works."""
    return Channel()


@pytest.fixture
def buffer(channel: Channel) -> ReportBuffer:
    """A buffer in front of it."""
    return ReportBuffer(channel)  # type: ignore[arg-type]


def test_what_is_said_in_a_block_is_written_together_at_its_end(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        buffer.add(STARTED)
        buffer.add(SUCCEEDED)
    assert channel.entries == [[STARTED, SUCCEEDED]]


def test_a_report_is_written_soon_although_the_block_goes_on(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        buffer.add(STARTED)
        wait_until(lambda: channel.written == [STARTED], 10)


def test_an_entry_has_a_largest_size(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        for _ in range(450):
            buffer.add(STARTED)
    assert sum(map(len, channel.entries)) == 450
    assert max(map(len, channel.entries)) <= 200


def test_nobody_waits_while_a_write_stands_still(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        channel.goes_on.clear()
        buffer.add_urgent(STARTED)
        before = time.monotonic()
        for _ in range(1000):
            buffer.add(report(ReportKind.PROGRESSED, fraction=0.5, message=""))
        assert time.monotonic() - before < 5
        channel.goes_on.set()


def test_of_the_progress_of_an_attempt_only_the_newest_is_kept(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        channel.goes_on.clear()
        buffer.add_urgent(STARTED)
        for number in range(1000):
            buffer.add(report(ReportKind.PROGRESSED, fraction=number / 1000, message=""))
        other = report(ReportKind.PROGRESSED, attempt=2, fraction=0.1, message="")
        buffer.add(other)
        buffer.add(SUCCEEDED)
        channel.goes_on.set()
    newest = report(ReportKind.PROGRESSED, fraction=0.999, message="")
    assert channel.written == [STARTED, newest, other, SUCCEEDED]


def test_what_cannot_be_written_is_kept_until_it_can(buffer: ReportBuffer, channel: Channel) -> None:
    channel.is_away = True
    done = threading.Event()

    def work() -> None:
        with buffer:
            buffer.add(STARTED)
            buffer.add(SUCCEEDED)
        done.set()

    threading.Thread(target=work, daemon=True).start()
    wait_until(lambda: channel.refusals >= 2, 10)
    assert not done.is_set()
    channel.is_away = False
    assert done.wait(20)
    assert channel.written == [STARTED, SUCCEEDED]


def test_an_urgent_report_is_written_before_its_step_goes_on(buffer: ReportBuffer, channel: Channel) -> None:
    line = report(ReportKind.LOGGED, text="last words")
    with buffer:
        buffer.add(STARTED)
        buffer.add_urgent(line)
        assert channel.written == [STARTED, line]


def test_a_report_that_cannot_be_spelled_costs_its_task_and_no_other(buffer: ReportBuffer, channel: Channel) -> None:
    with buffer:
        buffer.add(STARTED)
        buffer.add(report(ReportKind.LOGGED, text=object()))
        buffer.add(report(ReportKind.FAILED, attempt=2, kind="step", retry_after_seconds=float("nan")))
        buffer.add(SUCCEEDED)
    kinds = [(written.kind, written.attempt) for written in channel.written]
    assert kinds == [
        (ReportKind.STARTED, 1),
        (ReportKind.FAILED, 2),
        (ReportKind.SUCCEEDED, 1),
    ]
    assert channel.written[1].body["kind"] == "crash"


def test_a_buffer_is_used_again_and_again(buffer: ReportBuffer, channel: Channel) -> None:
    for _ in range(3):
        with buffer:
            buffer.add(STARTED)
    assert channel.entries == [[STARTED]] * 3
