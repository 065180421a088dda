"""Work beside the rest, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs some work until it is told to stop; what broke it is raised then, so that the dead do not pass for quiet."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._is_told = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pause(self, seconds: float) -> bool:
        """Let the work rest so long, or until it is told to stop; whether it was told."""
        return self._is_told.wait(seconds)

    def stop(self) -> None:
        """Tell it to stop, wait for its end, and raise what broke it; nothing to do for what never began."""
        self._is_told.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whoever stops it must hear of anything
            self._error = error
