"""What goes wrong in a run: each seed has some kinds of faults, so that each kind also meets the others' absence.

In a sweep nothing goes wrong but one thing, at one call to the outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from random import Random


@dataclass(frozen=True, slots=True)
class Faults:
    """The chance of each fault: per outside call, per statement, per report entry, per message, or per task.

    Those from ``redis_away`` on are how often they happen in a run.
    """

    call_refused: float = 0.0
    """A call to ledger or transport fails before it does anything."""
    answer_lost: float = 0.0
    """A call is done, a commit too, but who called hears of a failure."""
    commit_fails: float = 0.0
    statement_fails: float = 0.0
    send_halves: float = 0.0
    """Only some of the messages leave."""
    engine_dies: float = 0.0
    engine_stalls: float = 0.0

    report_lost: float = 0.0
    report_repeated: float = 0.0
    report_late: float = 0.0
    """Later than all that the worker says meanwhile."""
    message_lost: float = 0.0
    message_repeated: float = 0.0
    ticket_lost: float = 0.0

    child_dies: float = 0.0
    worker_dies: float = 0.0
    worker_stalls: float = 0.0
    worker_stops: float = 0.0
    """Told to shut down: it gives back what it has not begun."""

    redis_away: float = 0.0
    redis_emptied: float = 0.0
    redis_rolled_back: float = 0.0
    """It comes back without its last writes."""
    clock_jumps: float = 0.0


CALM = Faults()

WORST = Faults(
    call_refused=0.03,
    answer_lost=0.02,
    commit_fails=0.03,
    statement_fails=0.003,
    send_halves=0.1,
    engine_dies=0.008,
    engine_stalls=0.004,
    report_lost=0.06,
    report_repeated=0.1,
    report_late=0.1,
    message_lost=0.1,
    message_repeated=0.15,
    ticket_lost=0.05,
    child_dies=0.04,
    worker_dies=0.03,
    worker_stalls=0.03,
    worker_stops=0.04,
    redis_away=2.0,
    redis_emptied=2.0,
    redis_rolled_back=2.0,
    clock_jumps=4.0,
)


def draw_faults(random: Random) -> Faults:
    """Each kind of fault in about a third of the runs, often or seldom; in one run of twenty nothing goes wrong."""
    if random.random() < 0.05:
        return CALM
    share = random.choice((0.15, 0.35, 0.7))
    chances = {
        entry.name: random.random() * getattr(WORST, entry.name) if random.random() < share else 0.0
        for entry in fields(Faults)
    }
    return Faults(**chances)


class Blow(Enum):
    """What a call to the outside meets: one of ledger, transport or artifact store."""

    REFUSED = "refused"
    """It fails before it does anything. In a transaction that is a statement, or the commit."""
    UNANSWERED = "unanswered"
    """It is done, but who called hears of a failure."""
    CRASH = "crash"
    """It is done, and the process that called dies before it goes on."""


@dataclass(slots=True)
class OneBlow:
    """The one thing that goes wrong in a run: a blow to the n-th call, counted from 1; with 0 there is none."""

    blow: Blow = Blow.REFUSED
    number: int = 0
    calls: list[str] = field(default_factory=list)
    """Those made so far."""

    def falls(self, blow: Blow) -> bool:
        """Whether this blow falls on the latest call."""
        return self.number == len(self.calls) and self.blow is blow
