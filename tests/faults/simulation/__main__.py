"""``python -m tests.faults.simulation``: run many seeds on all processors, or one with its trace."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.faults.simulation.run import Outcome, run_seed

_SEEDS_AT_ONCE = 25


def main() -> int:
    """The exit code says 0 when every seed ended well."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its trace")
    parser.add_argument("--seeds", type=int, default=5000, help="how many to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    return run_many(range(given.first, given.first + given.seeds))


def replay(seed: int) -> int:
    """Run one seed again and print all that happened."""
    outcome = run_seed(seed)
    say("\n".join(outcome.trace))
    say(f"digest {outcome.digest}")
    say(describe(outcome) if outcome.violations else f"seed {seed} ended well")
    return bool(outcome.violations)


def run_many(seeds: range) -> int:
    """Run seeds and print those that failed, each with what was found."""
    began = time.monotonic()
    failed = jobs = tasks = attempts = 0
    for outcome in _outcomes(seeds):
        jobs, tasks, attempts = jobs + outcome.jobs, tasks + outcome.tasks, attempts + outcome.attempts
        if outcome.violations:
            failed += 1
            say(describe(outcome))
    seconds = time.monotonic() - began
    say(
        f"{len(seeds)} seeds in {seconds:.0f} s ({len(seeds) / seconds:.1f} a second): {failed} failed; "
        f"{jobs} jobs, {tasks} tasks, {attempts} attempts"
    )
    return failed > 0


def describe(outcome: Outcome) -> str:
    """What went wrong in a seed, and how to see it again."""
    found = "\n".join(f"  {words}" for words in outcome.violations[:10])
    return f"SEED={outcome.seed} failed; `make simulate SEED={outcome.seed}` shows it again:\n{found}"


def say(words: str) -> None:
    """A line for who reads along."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def run_chunk(seeds: Sequence[int]) -> list[Outcome]:
    """Some seeds in one process."""
    return [run_seed(seed).without_trace() for seed in seeds]


def _outcomes(seeds: range) -> Iterator[Outcome]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        chunks = [seeds[start : start + _SEEDS_AT_ONCE] for start in range(0, len(seeds), _SEEDS_AT_ONCE)]
        for done in as_completed([pool.submit(run_chunk, chunk) for chunk in chunks]):
            yield from done.result()


if __name__ == "__main__":
    sys.exit(main())
