"""The lease keeper: leases, lost children, canceled tasks, the end of a worker, and deafness."""

from __future__ import annotations

import pytest

from jobengine.domain.errors import EngineError
from jobengine.domain.reports import Delivery, ReportKind
from jobengine.transport.keeper import CANCEL_SECONDS, DEAF_SECONDS
from jobengine.transport.slots import Slot
from tests.unit.transport.bench import DELIVERY, TASK, Bench

CLAIMED, TAKEN = (ReportKind.CLAIMED, DELIVERY), Delivery(DELIVERY, "test.noop", "1", "default", 5, 60.0, None, ())
RENEWED, LOST, RETURNED = (ReportKind.RENEWED, DELIVERY), (ReportKind.LOST, DELIVERY), (ReportKind.RETURNED, DELIVERY)


def test_a_lease_is_renewed_every_third_of_it(bench: Bench) -> None:
    bench.at_work()
    assert bench.said() == [RENEWED]
    bench.now += 4
    assert bench.said() == []
    bench.now += 2
    assert bench.said() == [RENEWED]


def test_a_child_that_is_gone_is_reported_lost_once(bench: Bench) -> None:
    bench.at_work()
    bench.child.kill()
    bench.child.wait()
    assert bench.said() == [LOST]
    assert bench.said() == []


def test_an_idle_child_that_is_gone_is_not_reported(bench: Bench) -> None:
    bench.idle()
    bench.child.kill()
    bench.child.wait()
    assert bench.said() == []


def test_what_cannot_be_reported_is_said_when_it_can(bench: Bench) -> None:
    bench.at_work()
    bench.child.kill()
    bench.child.wait()
    bench.broker.is_down = True
    for _ in range(2):
        with pytest.raises(EngineError):
            bench.keeper.round()
    bench.broker.is_down = False
    assert bench.said() == [LOST]


def test_a_renewal_that_could_not_be_written_is_tried_again_at_once(bench: Bench) -> None:
    bench.at_work()
    bench.broker.is_down = True
    with pytest.raises(EngineError):
        bench.keeper.round()
    bench.broker.is_down = False
    assert bench.said() == [RENEWED]


def test_what_is_given_back_is_claimed_first_so_that_nobody_runs_it(bench: Bench) -> None:
    bench.broker.send([TAKEN])
    bench.keeper.give_back(DELIVERY)
    assert bench.said() == [CLAIMED, RETURNED]
    assert bench.said() == []


def test_what_a_child_has_begun_is_not_given_back(bench: Bench) -> None:
    bench.broker.send([TAKEN])
    bench.broker.claim(DELIVERY, "w")
    bench.keeper.give_back(DELIVERY)
    assert bench.said() == [CLAIMED]


def test_what_cannot_be_given_back_goes_back_when_it_can(bench: Bench) -> None:
    bench.broker.send([TAKEN])
    bench.keeper.give_back(DELIVERY)
    bench.broker.is_down = True
    for _ in range(2):
        with pytest.raises(EngineError):
            bench.keeper.round()
    bench.broker.is_down = False
    assert bench.said() == [CLAIMED, RETURNED]


def test_a_child_learns_that_its_task_was_canceled(bench: Bench) -> None:
    bench.at_work()
    bench.keeper.round()
    assert not bench.slots.is_canceled(0, TASK, 1)
    bench.broker.announce_canceled([(TASK, 1)])
    bench.pass_time(1.5)
    assert bench.slots.is_canceled(0, TASK, 1)
    assert not bench.slots.is_canceled(0, TASK, 2)
    assert bench.child.poll() is None


def test_a_step_that_goes_on_after_its_task_was_canceled_is_ended_at_nobodys_cost(bench: Bench) -> None:
    bench.at_work()
    bench.broker.announce_canceled([(TASK, 1)])
    bench.pass_time(CANCEL_SECONDS + 2.5)
    bench.wait_for_the_end_of_the_child()
    bench.keeper.round()
    assert [(r.kind, r.delivery_id) for r in bench.reports() if r.kind is not ReportKind.RENEWED] == [RETURNED]


def test_a_child_that_got_to_another_task_after_one_that_was_canceled_lives(bench: Bench) -> None:
    bench.at_work()
    bench.broker.announce_canceled([(TASK, 1)])
    bench.pass_time(CANCEL_SECONDS - 1)
    bench.at_work(task="8" * 24)
    bench.pass_time(CANCEL_SECONDS + 3)
    assert bench.child.poll() is None


def test_a_worker_that_is_told_to_stop_gives_back_what_has_not_ended_in_time(bench: Bench) -> None:
    bench.at_work()
    bench.said()
    bench.guard.wind_down()
    assert bench.slots.is_stopping
    bench.now += 9
    assert (bench.said(), bench.left) == ([RENEWED], [])
    bench.now += 2
    bench.guard.round()
    assert (RETURNED in bench.said(), bench.left) == (True, [0])
    bench.wait_for_the_end_of_the_child()


def test_a_delivery_of_an_unknown_step_is_claimed_and_goes_back(bench: Bench) -> None:
    bench.broker.send([Delivery(DELIVERY, "new.step", "1", "default", 5, 60.0, None, ())])
    bench.keeper.give_back(DELIVERY)
    assert bench.said() == [(ReportKind.CLAIMED, DELIVERY), RETURNED]
    assert bench.said() == []


def test_a_delivery_of_an_unknown_step_that_was_withdrawn_is_left_alone(bench: Bench) -> None:
    bench.keeper.give_back(DELIVERY)
    assert bench.said() == []


def test_a_worker_that_takes_no_work_beside_a_free_child_ends_itself(bench: Bench) -> None:
    bench.broker.has_work = True
    bench.idle()
    bench.pass_time(DEAF_SECONDS - 1)
    assert bench.left == []
    bench.pass_time(3)
    assert bench.left[0] == 1


def test_a_worker_that_ends_itself_lets_its_other_children_finish(bench: Bench) -> None:
    bench.broker.has_work = True
    bench.at_work()
    with bench.start() as other:
        bench.slots.write(Slot(1, other.pid))
        bench.pass_time(DEAF_SECONDS + 3)
        assert (bench.slots.is_stopping, bench.left, bench.child.poll()) == (True, [], None)
        bench.pass_time(10)
        assert RETURNED in [(r.kind, r.delivery_id) for r in bench.reports()]
        assert bench.left[0] == 1
        other.kill()


def test_time_in_which_the_keeper_stood_still_does_not_make_a_worker_deaf(bench: Bench) -> None:
    bench.broker.has_work = True
    bench.idle()
    bench.pass_time(2)
    bench.now += 10 * DEAF_SECONDS
    bench.pass_time(2)
    assert not bench.guard.is_winding_down


def test_a_worker_that_is_busy_with_short_tasks_is_not_deaf_though_it_is_always_seen_idle(bench: Bench) -> None:
    bench.broker.has_work = True
    for _ in range(10):
        bench.at_work()
        bench.idle()
        bench.pass_time(DEAF_SECONDS / 2)
    assert not bench.guard.is_winding_down


def test_a_worker_that_took_work_in_between_is_not_deaf(bench: Bench) -> None:
    bench.broker.has_work = True
    bench.idle()
    bench.pass_time(DEAF_SECONDS - 1)
    bench.at_work()
    bench.pass_time(0.5)
    bench.idle()
    bench.pass_time(2)
    assert not bench.guard.is_winding_down
