"""The ledger in memory: emptied for each run by copying, watched from within, and failing when it is told to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import event

from jobengine.domain.announcements import encode_announcement
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Owner
from jobengine.domain.reports import Report, ReportKind
from jobengine.verbs.announced import record_announcements
from jobengine.verbs.builtin import put_builtins
from jobengine.verbs.plans import Plans
from tests.faults.simulation.catalog import ANNOUNCEMENT, OWNERS, make_files
from tests.faults.simulation.clockwork import START
from tests.memory_ledger import MemoryLedger

_FINAL = "('succeeded', 'failed', 'canceled')"
# Seen by SQLite itself, so that no move escapes, also such as are undone within a transaction.
_WATCH = f"""
CREATE TABLE watch (what TEXT NOT NULL);
CREATE TABLE gone (job_id TEXT NOT NULL, state TEXT NOT NULL);
CREATE TRIGGER watch_final AFTER UPDATE ON tasks WHEN OLD.state IN {_FINAL} AND NEW.state <> OLD.state
BEGIN INSERT INTO watch VALUES ('the task ' || OLD.id || ' went from ' || OLD.state || ' to ' || NEW.state); END;
CREATE TRIGGER watch_progress AFTER UPDATE ON tasks WHEN NEW.progress < OLD.progress OR NEW.attempt < OLD.attempt
BEGIN INSERT INTO watch VALUES ('the task ' || OLD.id || ' lost progress or attempts'); END;
CREATE TRIGGER watch_jobs AFTER UPDATE ON jobs
WHEN (OLD.state <> NEW.state AND (OLD.state IN {_FINAL} OR NEW.state = 'pending')) OR NEW.progress < OLD.progress
BEGIN INSERT INTO watch VALUES ('the job ' || OLD.id || ' went back from ' || OLD.state || ' to ' || NEW.state); END;
CREATE TRIGGER watch_deletion AFTER DELETE ON jobs
BEGIN INSERT INTO gone VALUES (OLD.id, OLD.state); END;
"""


class WatchedLedger(MemoryLedger):
    """One database in memory for all runs of a process: compiled statements are kept from run to run."""

    def __init__(self) -> None:
        super().__init__()
        self.store.migrate()
        self.meet: Callable[[str], None] | None = None
        """Called before each statement, and before the end, of the transaction that a process has open, if any."""
        event.listen(self.store._database, "before_cursor_execute", lambda *_: self._meet("statement"))
        event.listen(self.store._database, "commit", lambda _: self._meet("end"))
        self._fill()
        self._filled = self.copy()

    def reset(self) -> None:
        """As it was when it was filled: owners, files and the catalog."""
        self.meet = None
        self.bring_back(self._filled)

    @property
    def is_open(self) -> bool:
        """Whether a process has a transaction open."""
        return self.meet is not None

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, past the engine."""
        return self.raw.execute(query, values).fetchall()

    def has(self, query: str, *values: Any) -> bool:
        """Whether the query finds a row."""
        return self.raw.execute(query, values).fetchone() is not None

    def _fill(self) -> None:
        with self.store.begin() as ledger:
            put_builtins(ledger, START)
            ledger.owners.insert([Owner(owner_id, owner_id[0], START) for owner_id in OWNERS])
            for owner_id in OWNERS:
                ledger.files.insert(make_files(owner_id, START))
            report = Report(ReportKind.ANNOUNCED, "first", START, body=encode_announcement(ANNOUNCEMENT))
            record_announcements(ledger, Plans(lambda: START), [report], START)
        self.raw.executescript(_WATCH)

    def _meet(self, what: str) -> None:
        if self.meet is not None:
            self.meet(what)


@cache
def watched_ledger() -> WatchedLedger:
    """The one of this process."""
    return WatchedLedger()


def refused(what: str) -> EngineError:
    """What the engine hears of a fault."""
    return EngineError(ErrorCode.UNAVAILABLE, f"{what} fails in this run", retry_after_seconds=1.0)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a transaction: after how many statements it fails (below zero: never), and whether at its end."""

    statements: int
    commit_fails: bool


class Calls(Protocol):
    """What happens around calls to the outside."""

    def before(self, what: str) -> None: ...

    def within(self, what: str) -> None: ...

    def after(self, what: str) -> None: ...

    def fate(self) -> Fate: ...


class FaultyStore:
    """``Store`` as one process sees it: other threads go on before and after each transaction, never within one."""

    def __init__(self, ledger: WatchedLedger, calls: Calls) -> None:
        self._ledger = ledger
        self._calls = calls

    @contextmanager
    def begin(self) -> Iterator[Ledger]:
        """A write transaction that may fail before it begins, while it runs, at its end, or after its commit."""
        self._calls.before("write")
        with self._opened(self._ledger.store.begin(), "commit") as rows:
            yield rows
        self._calls.after("commit")

    @contextmanager
    def read(self) -> Iterator[Ledger]:
        """A reading transaction."""
        self._calls.before("read")
        with self._opened(self._ledger.store.read(), "end of a read") as rows:
            yield rows

    def migrate(self) -> None:
        """It is migrated."""

    def check(self) -> None:
        """It answers."""

    def claim_engine(self) -> AbstractContextManager[None]:
        """Any number of engines, as on PostgreSQL."""
        raise NotImplementedError

    def close(self) -> None:
        """Nobody's connection alone."""

    @contextmanager
    def _opened(self, transaction: AbstractContextManager[Ledger], end: str) -> Iterator[Ledger]:
        fate = self._calls.fate()
        left = itertools.count(fate.statements, -1)

        def meet(what: str) -> None:
            is_end = what == "end"
            if fate.commit_fails if is_end else next(left) == 0:
                raise refused(what)
            self._calls.within(end if is_end else what)

        self._ledger.meet = meet
        try:
            with transaction as rows:
                yield rows
        finally:
            self._ledger.meet = None
