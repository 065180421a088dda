"""The audit: what states, counters and Redis claim, recomputed from rows and bytes.

Rules:
1. The system may run meanwhile. What the ledger says of itself is read in one view; what the world outside says is a
   difference only when the ledger, asked again afterwards, still disagrees.
2. What engines put right by themselves counts only when it lasts longer than they need for it.
3. Nothing is held in memory but a page and the differences, of which there are so many of a kind at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from jobengine.domain.audit import Difference, Invariant, JobFold, NamedBytes
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.rollup import fold_state
from jobengine.domain.states import TaskState
from jobengine.verbs.outside import Outside
from jobengine.verbs.tickets import find_stale_tickets

SLACK_SECONDS = 15.0
"""How long a lapsed lease or a lost message may wait for a rescuer."""

TICKET_SECONDS = 300.0
"""How long a ticket that nobody will claim may wait for a pruner."""

MOST = 1000
"""How many differences of a kind are looked for."""

_JOBS_AT_ONCE = 1000
_CONTENTS_AT_ONCE = 1000
_READERS = 16
_CHUNK_BYTES = 1024 * 1024


def audit_system(outside: Outside, *, with_hashes: bool = False) -> list[Difference]:
    """Every place where something does not hold; ``with_hashes`` reads all bytes and not only their sizes.

    Redis being away is a difference, as its part cannot be looked at.
    """
    try:
        unrecorded: float | None = outside.transport.backlog_seconds()
    except EngineError as error:
        unrecorded = None
        silent = [Difference(Invariant.DELIVERIES, "redis", "an answer", error.message)]
    # Reports that nobody has recorded yet may renew every lease.
    floor = float("-inf") if unrecorded is None else outside.clock() - unrecorded - SLACK_SECONDS
    with outside.store.read() as ledger:
        differences = list(ledger.audit.contradictions(floor, MOST))
    differences += _audit_waiting(outside)
    differences += _audit_folds(outside)
    differences += _audit_bytes(outside, with_hashes)
    if unrecorded is None:
        return differences + silent
    return [*differences, *_audit_deliveries(outside, unrecorded), *_audit_tickets(outside)]


def _audit_waiting(outside: Outside) -> Iterator[Difference]:
    with outside.store.read() as ledger:
        places = ledger.audit.waiting_nodes()
        pipelines = ledger.catalog.pipelines({place.pipeline_id for place in places}) if places else {}
        nodes = {(name, node.key): node for name, pipeline in pipelines.items() for node in pipeline.nodes}
        for place in places:
            node = nodes.get((place.pipeline_id, place.node))
            if node is None:
                yield Difference(
                    Invariant.WAITING, place.pipeline_id, f"a node {place.node}", "none, and tasks wait there"
                )
            else:
                yield from ledger.audit.miscounted(place, node.after, MOST)


def _audit_folds(outside: Outside) -> Iterator[Difference]:
    after_id = ""
    while True:
        with outside.store.read() as ledger:
            folds = ledger.audit.folds(after_id, _JOBS_AT_ONCE)
        for fold in folds:
            yield from _compare_fold(fold)
        if len(folds) < _JOBS_AT_ONCE:
            return
        after_id = folds[-1].job.id


def _compare_fold(fold: JobFold) -> Iterator[Difference]:
    job = fold.job
    if job.counts != fold.counts:
        yield Difference(Invariant.COUNTS, job.id, str(fold.counts), str(job.counts))
    if job.progress != fold.progress:
        yield Difference(Invariant.COUNTS, job.id, f"progress {fold.progress}", f"progress {job.progress}")
    state = fold_state(
        fold.counts,
        has_ever_started=job.started_at is not None,
        tolerated_failures=job.tolerated_failures,
        is_cancel_requested=job.canceled_at is not None,
    )
    if job.state is not state:
        yield Difference(Invariant.STATES, job.id, state.value, job.state.value)
    if fold.has_started_task and job.started_at is None:
        yield Difference(Invariant.STATES, job.id, "a time at which it started", "none, and a task has one")
    if job.state.is_final is not (job.finished_at is not None):
        expected = "a time at which it finished" if job.state.is_final else "no time at which it finished"
        yield Difference(Invariant.STATES, job.id, expected, str(job.finished_at))


def _audit_bytes(outside: Outside, with_hashes: bool) -> Iterator[Difference]:
    def look(named: NamedBytes) -> str:
        return _look_at_bytes(outside, named, with_hashes)

    with ThreadPoolExecutor(_READERS) as readers:
        for page in _named_bytes(outside):
            for named, fault in zip(page, readers.map(look, page), strict=True):
                if fault and _is_still_named(outside, named):
                    expected = f"{named.size_bytes} bytes with the hash {named.sha256}"
                    yield Difference(Invariant.BYTES, named.row_id, expected, fault)


def _named_bytes(outside: Outside) -> Iterator[list[NamedBytes]]:
    for kind in ("file", "artifact"):
        after = ""
        while True:
            with outside.store.read() as ledger:
                page = ledger.audit.named_bytes(kind, after, _CONTENTS_AT_ONCE)
            if not page:
                break
            yield page
            after = page[-1].sha256


def _look_at_bytes(outside: Outside, named: NamedBytes, with_hashes: bool) -> str:
    """What is wrong with them, in words; empty where nothing is."""
    if named.largest_bytes != named.size_bytes:
        return f"another row says {named.largest_bytes} bytes"
    stored = outside.artifacts.stat(named.sha256)
    if stored is None:
        return "nothing is stored"
    if stored.size_bytes != named.size_bytes:
        return f"{stored.size_bytes} bytes are stored"
    return _look_at_hash(outside, named.sha256) if with_hashes else ""


def _look_at_hash(outside: Outside, sha256: str) -> str:
    digest = hashlib.sha256()
    try:
        with outside.artifacts.open(sha256) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except EngineError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return "nothing is stored"
        raise
    return "" if digest.hexdigest() == sha256 else f"what is stored has the hash {digest.hexdigest()}"


def _is_still_named(outside: Outside, named: NamedBytes) -> bool:
    with outside.store.read() as ledger:
        return ledger.audit.is_named(named.sha256)


def _audit_deliveries(outside: Outside, unrecorded: float) -> Iterator[Difference]:
    patience = outside.settings.message_grace_seconds + SLACK_SECONDS
    with outside.store.read() as ledger:
        unclaimed = ledger.tasks.unclaimed(outside.clock() - unrecorded - patience, MOST)
    missing = outside.transport.missing({str(task.delivery_id) for task in unclaimed})
    with outside.store.read() as ledger:
        tasks = ledger.tasks.of_deliveries(sorted(missing))
    for task in tasks:
        if task.state is TaskState.ENQUEUED and task.lease_expires_at is None:
            found = f"the delivery {task.delivery_id} is not in Redis"
            yield Difference(Invariant.DELIVERIES, task.id, "a ticket and a message", found)


def _audit_tickets(outside: Outside) -> Iterator[Difference]:
    for delivery_id in sorted(find_stale_tickets(outside, TICKET_SECONDS))[:MOST]:
        yield Difference(Invariant.TICKETS, delivery_id, "a task that was sent, or a message", "a ticket alone")
