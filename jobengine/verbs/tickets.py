"""Tickets that nobody will ever claim: their message is gone, and so are the tasks that were sent with it.

That happens when a job is canceled or deleted while the message of its tasks is lost: the rescuer looks for lost
messages of tasks that are still to run.
"""

from __future__ import annotations

from jobengine.verbs.outside import Outside


def find_stale_tickets(outside: Outside, older_than_seconds: float) -> set[str]:
    """The deliveries of tickets older than this without a message, and without a task that is enqueued or running."""
    old = outside.transport.tickets(older_than_seconds)
    alone = outside.transport.missing(old) if old else set()
    if not alone:
        return set()
    with outside.store.read() as ledger:
        flying = {task.delivery_id for task in ledger.tasks.of_deliveries(sorted(alone))}
    # A ticket that was claimed meanwhile looks like one without a message.
    return (alone - flying) & outside.transport.tickets(older_than_seconds)


def withdraw_stale_tickets(outside: Outside, older_than_seconds: float) -> int:
    """Take them back; how many there were."""
    stale = find_stale_tickets(outside, older_than_seconds)
    return len(outside.transport.withdraw(sorted(stale))) if stale else 0
