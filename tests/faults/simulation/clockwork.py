"""Threads of processes on a virtual clock: one runs at a time, and the next is whoever is due first.

A thread runs until it pauses, so between two pauses nothing else happens. How long it pauses is what interleaves the
threads; nothing here waits in real time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random

from greenlet import getcurrent, greenlet

START = 1_000_000.0


class ProcessDied(BaseException):
    """Goes through a thread whose process was killed; no clause of the engine catches it."""


class Clockwork:
    """The virtual time, the one source of chance, and the trace of what happened."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = START
        self.trace: list[str] = []
        self._hub = getcurrent()
        self._agenda: list[tuple[float, int, greenlet]] = []
        self._order = itertools.count()
        self._threads: list[greenlet] = []

    def note(self, words: str) -> None:
        """Put something into the trace."""
        self.trace.append(f"{self.now - START:.4f} {words}")

    def spawn(self, work: Callable[[], None], after: float = 0.0) -> None:
        """A new thread, which begins after so many seconds."""

        def run() -> None:
            try:
                work()
            except ProcessDied:
                return

        thread = greenlet(run, parent=self._hub)
        self._threads.append(thread)
        self._put(thread, after)

    def pause(self, seconds: float) -> None:
        """Let the others go on, and come back after so many seconds."""
        self._put(getcurrent(), seconds)
        self._hub.switch()

    def run(self, until: float, is_done: Callable[[], bool] = lambda: False) -> None:
        """Let time go by up to a moment, or until it is done."""
        while self._agenda and self._agenda[0][0] <= until and not is_done():
            self.now, _, thread = heapq.heappop(self._agenda)
            thread.switch()
        self.now = until if not is_done() else self.now

    def stop(self) -> None:
        """End every thread where it stands."""
        for thread in self._threads:
            if thread:
                thread.throw(ProcessDied)

    def _put(self, thread: greenlet, after: float) -> None:
        heapq.heappush(self._agenda, (self.now + max(0.0, after), next(self._order), thread))


class Process:
    """One life of a process: its threads die together; its clock may be wrong."""

    def __init__(self, clockwork: Clockwork, name: str, host: Host) -> None:
        self.clockwork = clockwork
        self.name = name
        self.is_alive = True
        self._host = host

    def clock(self) -> float:
        """The time as this process sees it."""
        return self.clockwork.now + self._host.clock_error

    @property
    def is_cut_off(self) -> bool:
        """Whether it reaches nobody."""
        return self._host.is_cut_off

    def spawn(self, work: Callable[[], None], after: float = 0.0) -> None:
        """A new thread of this process."""

        def run() -> None:
            if self.is_alive:
                work()

        self.clockwork.spawn(run, after)

    def pause(self, seconds: float) -> None:
        """Pause, for longer while the host stands still; raises ProcessDied when the process did meanwhile."""
        self.clockwork.pause(seconds)
        while self._host.still_until > self.clockwork.now and self.is_alive:
            self.clockwork.pause(self._host.still_until - self.clockwork.now)
        self.check_alive()

    def check_alive(self) -> None:
        """Raise ProcessDied in a process that was killed."""
        if not self.is_alive:
            raise ProcessDied

    def die(self) -> None:
        """Killed at once, in the middle of whatever its threads do."""
        self.clockwork.note(f"{self.name} dies")
        self.is_alive = False


class Host:
    """What outlives a process: its machine's clock, its cable, and until when the machine stands still."""

    def __init__(self) -> None:
        self.clock_error = 0.0
        self.is_cut_off = False
        self.still_until = float("-inf")
