"""Whose turn it is: dispatch places go round among owners, to whoever has the fewest tasks in flight."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


def take_turns(
    limit: int,
    owners: Sequence[str],
    busy: Mapping[str, int],
    caps: Mapping[str, int],
    at_most: Mapping[str, int],
    start: int = 0,
) -> list[str]:
    """Up to ``limit`` turns in order, each an owner; who is least busy goes first, and every turn makes busier.

    An owner with a cap gets no more turns than it leaves room for, one in ``at_most`` no more than stands there. Ties
    go by the order of ``owners``, beginning with the one at ``start``: whoever moves it on lets nobody be first always.
    """
    turns: list[str] = []
    taken = dict.fromkeys(owners, 0)
    queue = [(busy.get(owner, 0), (rank - start) % len(owners), owner) for rank, owner in enumerate(owners)]
    heapq.heapify(queue)
    while queue and len(turns) < limit:
        load, rank, owner = queue[0]
        if len(queue) == 1:
            left = at_most.get(owner, limit) - taken[owner]
            return turns + [owner] * min(limit - len(turns), left, caps.get(owner, load + limit) - load)
        if taken[owner] >= at_most.get(owner, limit) or load >= caps.get(owner, load + 1):
            heapq.heappop(queue)
            continue
        heapq.heapreplace(queue, (load + 1, rank, owner))
        taken[owner] += 1
        turns.append(owner)
    return turns
