"""The heartbeat: who lives is told by a file, and by nothing outside the machine."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from jobengine.alive import STALE_SECONDS, Heartbeat, main, start_beating
from jobengine.loops.loop import Loop
from jobengine.loops.process import beat_until
from tests.servers import wait_until


def idle_loop(stop: threading.Event) -> Loop:
    """A loop that finds nothing."""
    return Loop("idler", lambda: 0, 1.0, stop)


def test_a_process_that_never_beat_does_not_live(tmp_path: Path) -> None:
    assert not Heartbeat(tmp_path / "worker.alive").is_fresh(time.time())


def test_a_heartbeat_is_fresh_and_then_stale(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "folder" / "worker.alive")
    heartbeat.beat()
    now = time.time()
    assert heartbeat.is_fresh(now)
    assert not heartbeat.is_fresh(now + STALE_SECONDS + 1)


def test_a_heartbeat_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    heartbeat = Heartbeat(tmp_path / "file" / "worker.alive")
    heartbeat.beat()


def test_the_thread_goes_on_beating(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "worker.alive")
    start_beating(heartbeat)
    wait_until(lambda: heartbeat.is_fresh(time.time()))


def test_an_engine_beats_while_its_loops_go_round_and_not_when_one_hangs(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    loops = [idle_loop(stop)]
    beat_until(stop, loops, Heartbeat(tmp_path / "stuck"), stuck_seconds=-1.0)
    assert not (tmp_path / "stuck").exists()
    beat_until(stop, loops, Heartbeat(tmp_path / "well"))
    assert (tmp_path / "well").exists()


def test_the_command_says_by_its_exit_code_whether_the_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBENGINE_DATA_DIR", str(tmp_path))
    assert main(["engine"]) == 1
    Heartbeat(tmp_path / "engine.alive").beat()
    assert (main(["engine"]), main(["worker"]), main([]), main(["nobody"])) == (0, 1, 2, 2)
