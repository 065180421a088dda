"""``python -m tests.faults.chaos --seconds 600 --seed 1 --ledger sqlite``: see docs/reliability.md."""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobengine.build import Parts, build
from jobengine.config import read_settings
from jobengine.domain.records import Role
from tests.faults.chaos.checker import judge, wait_for_the_end
from tests.faults.chaos.kills import POSTGRESQL_WEIGHTS, WEIGHTS, Killer
from tests.faults.chaos.load import Client
from tests.faults.chaos.recovery import RecoveryWatch
from tests.faults.chaos.system import ChaosSystem, running_chaos_system
from tests.servers import wait_until

_REST_SECONDS = 10.0

LONG_SECONDS, ENOUGH_KILLS, RECOVERY_SECONDS = 600.0, 100, 20.0
"""A run this long must have killed this often; in every run, 99 of 100 kills must be made good in this time."""


def main(arguments: list[str]) -> int:
    """Run, print the figures, and say by the exit code whether every promise was kept."""
    given = _parse(arguments)
    with ExitStack() as stack:
        folder = Path(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="je-chaos-")))
        folder.mkdir(exist_ok=True)
        system = stack.enter_context(running_chaos_system(folder, given.ledger))
        settings = read_settings(system.environment)
        parts = build(settings)
        stack.callback(parts.outside.store.close)
        client = Client(system.url, parts.engine.create_key("chaos", Role.ADMIN), folder / "accepted.jsonl", given.seed)
        weights = WEIGHTS | (POSTGRESQL_WEIGHTS if system.postgresql else {})
        killer = Killer(system, given.seed, weights={given.only: 1} if given.only else weights)
        watch = RecoveryWatch(parts, killer, settings.lease_seconds)
        system.start()
        wait_until(lambda: _is_announced(parts), 60, "the announcement of the workers")
        figures = _run(system, parts, client, killer, watch, given.seconds)
    sys.stdout.write(json.dumps({"ledger": given.ledger, "seed": given.seed, **figures}, indent=2) + "\n")
    return 0 if figures["is_clean"] and is_enough(figures, given.seconds) else 1


def is_enough(figures: dict[str, Any], seconds: float) -> bool:
    """Whether so much was killed, and all of it made good so soon, that the run says something."""
    kills, recovery = figures["kills"], figures["recovery_seconds"]
    slowest = recovery.get("p99", recovery["max"])
    return (kills >= ENOUGH_KILLS or seconds < LONG_SECONDS) and slowest <= RECOVERY_SECONDS


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Kill processes of a real system at random.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", help="Only this kind of kill, like 'redis SIGKILL, emptied'.")
    parser.add_argument("--keep", help="A folder for logs and data, which stays.")
    return parser.parse_args(arguments)


def _run(
    system: ChaosSystem, parts: Parts, client: Client, killer: Killer, watch: RecoveryWatch, seconds: float
) -> dict[str, Any]:
    client.start()
    wait_until(lambda: client.accepted, 60, "the first job")
    killer.start()
    watch.start()
    _report_while(client, killer, seconds)
    killer.stop()
    client.stop()
    wait_for_the_end(parts, client)
    watch.stop()
    verdict = judge(parts, system, client)
    recovery = sorted(took for took, _ in watch.seconds)
    # What was on its way when the last job ended, like tickets of canceled tasks, gets the time to be taken back.
    time.sleep(_REST_SECONDS)
    differences = [str(difference) for difference in parts.engine.audit(with_hashes=True)]
    return {
        **asdict(verdict),
        "audit_differences": len(differences),
        "is_clean": verdict.is_clean and not client.refused and not differences,
        "first_differences": differences[:5],
        "refused": client.refused[:5],
        "slowest_submission_seconds": round(client.slowest_seconds, 1),
        "kills": sum(killer.counts.values()),
        "kills_by_kind": dict(sorted(killer.counts.items())),
        "recovery_seconds": _percentiles(recovery),
        "slowest_recoveries": [(round(took, 1), kind) for took, kind in sorted(watch.seconds, reverse=True)[:5]],
    }


def _report_while(client: Client, killer: Killer, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(min(15.0, max(0.0, deadline - time.monotonic())))
        sys.stderr.write(f"{len(client.accepted)} jobs accepted, {sum(killer.counts.values())} kills\n")


def _percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {"max": round(max(values, default=0.0), 1)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(values[-1], 1)}


def _is_announced(parts: Parts) -> bool:
    with parts.outside.store.read() as ledger:
        return ledger.catalog.find_pipeline(None, "chaos-short") is not None


if __name__ == "__main__":
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
