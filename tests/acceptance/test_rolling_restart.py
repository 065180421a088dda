"""Every process is stopped and started anew, one after another, while jobs come in and run."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.acceptance.replacing import assert_each_task_ran_once, running_under_load
from tests.contract.ledgers import SHARED
from tests.faults.chaos.system import Managed

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("ledger", SHARED)
def test_a_rolling_restart_of_every_process_loses_repeats_and_charges_nothing(tmp_path: Path, ledger: str) -> None:
    with running_under_load(tmp_path, ledger) as loaded:
        system, submitter = loaded.system, loaded.submitter
        submitter.wait_for_more(6)
        (web,) = system.named("web")
        away_from, away_until = loaded.restart(web)
        for managed in [*system.named("engine"), *system.named("worker")]:
            submitter.wait_for_more()
            loaded.restart(managed)
        submitter.wait_for_more()
        reload(web)
        submitter.wait_for_more()
        submitter.stop()
        assert [failure for failure in submitter.failures if not away_from <= failure[0] <= away_until] == []
        assert {word for _, word in submitter.failures} <= {"ConnectError", "ReadError", "RemoteProtocolError"}
        assert_each_task_ran_once(loaded)


def reload(web: Managed) -> None:
    """Have the web server replace its own processes, as for a new release, without closing its door."""
    assert web.process is not None
    old = web.children()
    web.process.send_signal(signal.SIGHUP)
    assert psutil.wait_procs(old, timeout=30)[1] == []
