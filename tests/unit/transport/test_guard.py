"""The guard: limits hold whatever the child and Redis do, and the worker ends when its time is up."""

from __future__ import annotations

import os
import signal

import psutil

from jobengine.domain.reports import ReportKind
from jobengine.domain.states import FailureKind
from jobengine.transport.guard import GRACE_SECONDS, LAST_WORDS_SECONDS
from jobengine.transport.processes import memory_bytes
from jobengine.transport.slots import Slot
from tests.servers import wait_until
from tests.unit.transport.bench import DELIVERY, TASK, Bench

_WITH_A_CHILD = """
import subprocess, sys
step = "import time; data = bytearray(100_000_000); print('ready', flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", step], stdout=subprocess.PIPE, **{options})
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def start_family(bench: Bench, options: str = "{}") -> int:
    """Let the child be one whose step has started a process, which holds 100 MB; its ID."""
    bench.close()
    bench.child = bench.start(_WITH_A_CHILD.replace("{options}", options))
    assert bench.child.stdout is not None
    return int(bench.child.stdout.readline())


def is_gone(process_id: int) -> bool:
    """Whether it ended."""
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def failure_kind(bench: Bench) -> str:
    """What the keeper says of the child that is gone."""
    bench.wait_for_the_end_of_the_child()
    bench.keeper.round()
    (lost,) = [report for report in bench.reports() if report.kind is ReportKind.LOST]
    assert (lost.task_id, lost.attempt) == (TASK, 1)
    return str(lost.body["kind"])


def test_a_step_past_its_hard_limit_is_killed(bench: Bench) -> None:
    bench.at_work(deadline=bench.now + 1)
    bench.now += 1 + GRACE_SECONDS
    bench.guard.round()
    assert bench.child.poll() is None
    bench.now += 1
    bench.guard.round()
    assert failure_kind(bench) == FailureKind.TIMEOUT.value


def test_a_child_that_stands_still_does_not_escape_its_limit(bench: Bench) -> None:
    os.kill(bench.child.pid, signal.SIGSTOP)
    bench.at_work(deadline=bench.now + 1)
    bench.now += 2 + GRACE_SECONDS
    bench.guard.round()
    assert failure_kind(bench) == FailureKind.TIMEOUT.value


def test_limits_hold_while_redis_is_away(bench: Bench) -> None:
    bench.broker.is_down = True
    bench.at_work(deadline=bench.now + 1)
    bench.now += 2 + GRACE_SECONDS
    bench.guard.round()
    bench.wait_for_the_end_of_the_child()
    bench.broker.is_down = False
    assert failure_kind(bench) == FailureKind.TIMEOUT.value


def test_a_step_past_its_memory_is_killed(bench: Bench) -> None:
    bench.at_work(memory_limit_bytes=1024)
    bench.guard.round()
    assert failure_kind(bench) == FailureKind.MEMORY.value


def test_what_earlier_steps_left_in_the_process_is_not_held_against_a_step(bench: Bench) -> None:
    wait_until(lambda: psutil.Process(bench.child.pid).memory_info().rss > 5_000_000, 10, "the start of the child")
    bench.at_work(memory_limit_bytes=5_000_000, leftover_bytes=100_000_000)
    bench.guard.round()
    assert bench.child.poll() is None
    bench.at_work(memory_limit_bytes=5_000_000)
    bench.guard.round()
    assert failure_kind(bench) == FailureKind.MEMORY.value


def test_the_memory_of_what_a_step_starts_counts_and_it_is_killed_along(bench: Bench) -> None:
    grandchild = start_family(bench)
    bench.at_work(memory_limit_bytes=90_000_000)
    bench.guard.round()
    assert failure_kind(bench) == FailureKind.MEMORY.value
    wait_until(lambda: is_gone(grandchild), 10, "the end of what the step started")


def test_what_a_step_starts_in_a_session_of_its_own_is_killed_along(bench: Bench) -> None:
    grandchild = start_family(bench, "dict(start_new_session=True)")
    bench.at_work(deadline=bench.now - 2 * GRACE_SECONDS)
    bench.guard.round()
    bench.wait_for_the_end_of_the_child()
    wait_until(lambda: is_gone(grandchild), 10, "the end of what the step started")


def test_what_a_step_has_started_does_not_outlive_a_child_that_went_down_by_itself(bench: Bench) -> None:
    grandchild = start_family(bench)
    bench.at_work()
    bench.child.kill()
    bench.child.wait()
    assert not is_gone(grandchild)
    bench.guard.round()
    wait_until(lambda: is_gone(grandchild), 10, "the end of what the step started")


def test_pages_that_processes_share_count_once() -> None:
    data = bytearray(os.urandom(1)) * 60_000_000
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(len(data) % 2)
    try:
        own = psutil.Process().memory_info().rss
        assert memory_bytes(os.getpid(), enough_bytes=own) < own + 50_000_000
    finally:
        os.write(writer, b"x")
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


def test_a_child_that_got_to_another_task_is_not_killed_for_the_one_before(bench: Bench) -> None:
    bench.at_work()
    (before,) = bench.slots.all()
    bench.at_work(task="8" * 24)
    bench.guard.kill(before, FailureKind.TIMEOUT, "late")
    assert bench.child.poll() is None


def test_a_task_that_began_while_its_process_was_killed_for_another_is_not_blamed(bench: Bench) -> None:
    bench.at_work()
    (before,) = bench.slots.all()
    bench.guard.kill(before, FailureKind.TIMEOUT, "late")
    bench.at_work(task="8" * 24)
    bench.wait_for_the_end_of_the_child()
    assert bench.said() == [(ReportKind.RETURNED, DELIVERY)]


def test_when_the_grace_period_is_over_children_stand_still_until_it_is_said(bench: Bench) -> None:
    bench.at_work()
    bench.guard.wind_down()
    bench.now += 10
    bench.guard.round()
    wait_until(lambda: psutil.Process(bench.child.pid).status() == psutil.STATUS_STOPPED, 10, "the child's stop")
    assert bench.left == []


def test_a_worker_ends_in_time_although_redis_cannot_be_told(bench: Bench) -> None:
    bench.broker.is_down = True
    bench.at_work()
    bench.guard.wind_down()
    bench.now += 10 + LAST_WORDS_SECONDS
    bench.guard.round()
    assert bench.left == [0]
    bench.wait_for_the_end_of_the_child()


def test_a_slot_comes_back_from_the_table_as_it_was_written(bench: Bench) -> None:
    slot = Slot(5, 4711, DELIVERY, TASK, 3, 12.5, 1024, 77)
    bench.slots.write(slot)
    assert bench.slots.at(5) == slot
    bench.slots.write(slot._replace(task_id=None, memory_limit_bytes=None))
    assert bench.slots.at(5) == slot._replace(task_id=None, memory_limit_bytes=None)
