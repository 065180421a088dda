"""Jobs on the results of another, asked for by several at a time, on ledgers that several connections use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from jobengine.store import SqlStore
from jobengine.verbs.requests import JobRequest
from tests.contract.ledgers import on_shared_ledgers
from tests.unit.engine.world import OWNER, World

THREADS = 4


@on_shared_ledgers
def test_those_who_ask_for_a_child_at_the_same_time_get_the_same_one(store: SqlStore) -> None:
    world = World(store)
    parent = world.submit("cells")
    world.finish()
    request = JobRequest(OWNER, "masks", parent_id=parent.id)
    start = threading.Barrier(THREADS)

    def submit(_: int) -> str:
        start.wait(30)
        return world.engine.submit_child(request).id

    for _ in range(3):
        with ThreadPoolExecutor(THREADS) as pool:
            made = set(pool.map(submit, range(THREADS)))
        assert len(made) == 1
        world.engine.delete(OWNER, list(made))
