"""What a contract's routes and refusals are: how a route is asked, who may, and what others get."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from jobengine.domain.records import Role

V, S, N, A = Role.VIEWER, Role.SUBMITTER, Role.ANALYZER, Role.ADMIN
EVERYONE = frozenset({V, S, N, A})
SUBMITTERS, ANALYZERS, ADMINS = frozenset({S, A}), frozenset({N, A}), frozenset({A})
WORKERS = SUBMITTERS | ANALYZERS
UPLOAD, SAMPLE = "upload", "sample"
"""Bodies that are no JSON: a form with a file, and the bytes of one."""


class Outcome(Enum):
    """What a caller gets who gets nothing else."""

    NULL = auto()
    NOTHING_DELETED = auto()
    MISSING = auto()
    MALFORMED = auto()
    NO_PATH = auto()
    UNREADABLE = auto()
    INVALID = auto()
    TOO_LARGE = auto()
    WRONG_METHOD = auto()
    TOO_MANY = auto()
    BROKEN = auto()
    FORBIDDEN = auto()
    NO_KEY = auto()
    WRONG_KEY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A route; names in its path are those of things that there are."""

    method: str
    path: str
    allowed: Collection[Role] = EVERYONE
    body: Any = None
    status: int = 200
    """What a caller who may gets for an ID of its own."""
    unknown: Outcome = Outcome.MISSING
    malformed: Outcome = Outcome.MISSING
    is_own_only: bool = False
    """An administrator, too, does it with nothing but what is their own."""
    free: Collection[str] = ()
    """Names in the body under which a value may be of another type than what is there."""

    @property
    def names(self) -> list[str]:
        """The things in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def key(self) -> tuple[str, str]:
        """The method and the rule, without the names in it."""
        return self.method, re.sub(r"{\w+}|<[^>]+>", "{}", self.path.partition("?")[0])


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal: its status, and whether a body is in the contract's own words."""

    status: int
    is_said: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Contract:
    """A product: the header that holds its keys, its routes, and its refusals."""

    name: str
    header: str
    scheme: str
    rows: tuple[Row, ...]
    refusals: Mapping[Outcome, Answer]


def title(status: int, words: str) -> Answer:
    """A refusal of the framework that MCRIT is built with, by its title."""
    return Answer(status, lambda answer: answer.json["title"] == words)
