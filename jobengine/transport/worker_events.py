"""A worker's events for Flower, sent in bundles.

Celery sends them whenever its event loop comes round, which for short tasks means a message to Redis for each event:
more than a third of the parent's time. People who watch a page do not notice a quarter of a second.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

BUNDLE_SECONDS = 0.25
_BUNDLE_EVENTS = 500


class BundledEvents(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the consumer's start, after each (re)connection."""

    requires = (Events,)

    def start(self, consumer: Any) -> None:
        """Let the dispatcher of this connection gather, and empty it by the clock."""
        dispatcher = consumer.event_dispatcher
        if consumer.hub is None or dispatcher is None:
            return
        dispatcher.on_send_buffered = None
        dispatcher.buffer_limit = _BUNDLE_EVENTS
        self._timer = consumer.timer.call_repeatedly(BUNDLE_SECONDS, dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        """End the clock of a connection that is gone; the next one has its own."""
        timer = getattr(self, "_timer", None)
        if timer is not None:
            timer.cancel()
        self._timer = None
