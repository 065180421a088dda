"""Processes of a worker: a child dies with its parent, whatever the parent's ID."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys

from jobengine.transport.processes import die_with
from tests.servers import wait_until

_FORK = multiprocessing.get_context("fork")


def _live(parent_id: int, seen: int) -> None:
    die_with(parent_id, lambda: seen)


def exit_code(parent_id: int, seen: int) -> int | None:
    """How a child ends that was made by one process and sees another as its parent."""
    child = _FORK.Process(target=_live, args=(parent_id, seen))
    child.start()
    child.join(20)
    return child.exitcode


def test_a_child_of_the_first_process_of_a_container_lives() -> None:
    assert exit_code(1, 1) == 0


def test_a_child_whose_parent_died_before_it_could_ask_dies_as_well() -> None:
    assert exit_code(4711, 1) == -signal.SIGKILL


_PARENT = """
import os, time
from jobengine.transport.processes import die_with
own = os.getpid()
child = os.fork()
if child == 0:
    die_with(own)
    print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_a_child_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, env=dict(os.environ)) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        wait_until(lambda: _is_gone(child), 10, "the end of the child")


def _is_gone(process_id: int) -> bool:
    try:
        with open(f"/proc/{process_id}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
