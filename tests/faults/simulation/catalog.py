"""What can be run in a simulation, and what comes out of it when it is run truly.

A result names the content that its task was given, by a digest over step, parameters, files and predecessors: whoever
knows the job can tell whether it is true. It also says which attempt of which delivery made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import Enum
from random import Random
from typing import Any

from jobengine.domain.announcements import Announcement, PipelineSpec
from jobengine.domain.records import File, Node, RetryPolicy, Scope, StepSpec

OWNERS = ("a" * 24, "b" * 24)
SLOTS = 2

_SIGMA = {"type": "object", "properties": {"sigma": {"type": "number"}}}
STEPS = (
    StepSpec("sim.segment", "1", Scope.FILE, "masks", _SIGMA, retry=RetryPolicy(4, delay_seconds=1.0)),
    StepSpec("sim.measure", "1", Scope.FILE, "objects", retry=RetryPolicy(4, delay_seconds=0.5)),
    StepSpec("sim.tables", "1", Scope.JOB, "tables", retry=RetryPolicy(4, delay_seconds=0.5)),
    StepSpec("sim.verdict", "1", Scope.JOB, "verdict", requires_all=True, retry=RetryPolicy(4, delay_seconds=0.5)),
    StepSpec("sim.short", "1", Scope.FILE, "short", tasks_per_delivery=10, retry=RetryPolicy(4, delay_seconds=0.5)),
)
PIPELINES = (
    PipelineSpec(
        "cells",
        1,
        (
            Node("segment", "sim.segment", parameters={"sigma": 1.0}),
            Node("measure", "sim.measure", after=("segment",)),
            Node("tables", "sim.tables", after=("measure",)),
        ),
    ),
    PipelineSpec("strict", 1, (Node("measure", "sim.measure"), Node("verdict", "sim.verdict", after=("measure",)))),
    PipelineSpec("short", 1, (Node("short", "sim.short"),)),
    PipelineSpec("masks", 1, (Node("masks", "sim.tables", from_parent=("segment",)),)),
)
ANNOUNCEMENT = Announcement("host", SLOTS, ("default",), STEPS, PIPELINES)
SIGN_OF_LIFE = Announcement("host", SLOTS, ("default",), STEPS)
"""What a worker says once the catalog is known: the same without the pipelines, which take long to read."""


class Nature(Enum):
    """What a task does whenever it is run."""

    GOOD = "good"
    SLOW = "slow"
    """It takes longer than a lease."""
    FLAKY = "flaky"
    """It crashes the first times."""
    ASKING = "asking"
    """It asks for another try, once."""
    STRAINED = "strained"
    """The system fails it, twice."""
    BAD = "bad"
    """The analysis says no."""
    DEADLY = "deadly"
    """It takes its process down."""

    @property
    def ends_well(self) -> bool:
        """Whether its true end is a success."""
        return self not in (Nature.BAD, Nature.DEADLY)


_NATURES = tuple(Nature)
_WEIGHTS = (75, 6, 8, 3, 3, 4, 1)


def draw_nature(random: Random) -> Nature:
    """What the next new task is like."""
    return random.choices(_NATURES, _WEIGHTS)[0]


CONTENTS = tuple(f"picture {number}".encode() for number in range(8))


def make_files(owner_id: str, now: float) -> list[File]:
    """Files of an owner, one for each content."""
    return [
        File(
            f"{number:023x}{owner_id[0]}",
            owner_id,
            f"{number}.png",
            "",
            "image/png",
            len(content),
            hashlib.sha256(content).hexdigest(),
            now,
        )
        for number, content in enumerate(CONTENTS)
    ]


def true_value(step: str, parameters: Mapping[str, Any], file_ids: Iterable[str], before: Iterable[str]) -> str:
    """What the step makes of these files and of the values of its predecessors."""
    spelled = json.dumps([step, dict(parameters), sorted(file_ids), sorted(before)])
    return hashlib.sha256(spelled.encode()).hexdigest()[:16]
