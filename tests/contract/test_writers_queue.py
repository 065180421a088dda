"""Writers at a SQLite file: one after the other, in turns, also when one of them dies or hangs."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.store.locking import WritersQueue
from tests.servers import wait_until

_HOLD = """
import sys, time
from pathlib import Path
from jobengine.store.locking import WritersQueue
with WritersQueue(Path(sys.argv[1]), 10.0):
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the file would be."""
    return tmp_path / "ledger.sqlite"


def is_somebody_next(database: Path) -> bool:
    """Whether a writer waits for the one that writes."""
    return is_taken(database.with_name("ledger.sqlite.next"))


def is_writing(database: Path) -> bool:
    """Whether there is one that writes."""
    return is_taken(database.with_name("ledger.sqlite.writer"))


def is_taken(path: Path) -> bool:
    """Whether somebody holds a lock on the file."""
    with path.open("rb") as place:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_who_wants_to_write_again_comes_after_who_waits(database: Path) -> None:
    busy, waiting, order = WritersQueue(database, 10.0), WritersQueue(database, 10.0), list[str]()

    def wait() -> None:
        with waiting:
            order.append("who waited")

    thread = threading.Thread(target=wait)
    with busy:
        thread.start()
        wait_until(lambda: is_somebody_next(database), 10.0, "the waiting writer")
        order.append("first")
    with busy:
        order.append("first again")
    thread.join(10.0)
    assert order == ["first", "who waited", "first again"]


def test_one_that_stands_still_while_it_is_next_keeps_nobody_from_writing(database: Path) -> None:
    with database.with_name("ledger.sqlite.next").open("wb") as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        with WritersQueue(database, 10.0):
            assert is_writing(database)


def test_who_waits_for_too_long_is_told_so_and_may_try_again(database: Path) -> None:
    busy, impatient = WritersQueue(database, 10.0), WritersQueue(database, 0.05)
    with busy, pytest.raises(EngineError) as caught:
        impatient.__enter__()
    assert (caught.value.code, caught.value.retry_after_seconds) == (ErrorCode.UNAVAILABLE, 2.0)
    with impatient:
        assert is_writing(database)


def test_who_waits_for_too_long_for_another_thread_is_told_so_as_well(database: Path) -> None:
    queue, refusals = WritersQueue(database, 0.05), list[EngineError]()

    def wait() -> None:
        try:
            with queue:
                pass
        except EngineError as refusal:
            refusals.append(refusal)

    thread = threading.Thread(target=wait, daemon=True)
    with queue:
        thread.start()
        thread.join(10.0)
        assert [refusal.code for refusal in refusals] == [ErrorCode.UNAVAILABLE]
    with queue:
        assert is_writing(database)


def test_the_place_of_a_writer_that_is_killed_is_free_at_once(database: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(database)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "writing\n"
        with pytest.raises(EngineError):
            WritersQueue(database, 0.05).__enter__()
        holder.kill()
    with WritersQueue(database, 5.0):
        assert is_writing(database)
