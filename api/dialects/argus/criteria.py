"""What a list of jobs is asked for: samples, customers, times, states and orders, as filters of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.auth import Caller
from api.dialects.argus.documents import customer_number
from api.dialects.argus.times import parse_time
from api.dialects.argus.wording import JOB_STATES
from api.dialects.dialect import text_of, texts_of
from api.parts import parts
from jobengine.domain.errors import invalid
from jobengine.domain.filters import JobFilter, Page, Span

_STATE = "state"
_TIMES = {"enqueuedTimestamp": "created_at", "startTimestamp": "started_at", "endTimestamp": "finished_at"}
_SORTS = {**_TIMES, _STATE: _STATE}
CRITERIA = (
    *("state", "sampleSha256", "customer", "startTimestamp", "endTimestamp"),
    *("timeFieldStrategy", "timeMatchStrategy", "limit", "offset", "sortBy"),
)
"""What the body of a search may hold."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """By one time of the jobs; before it, where ``states_descend`` is given, by their state."""

    time: str
    descending: bool
    states_descend: bool | None = None


def read_search(who: Caller, body: dict[str, Any]) -> JobFilter:
    """The filter for all criteria of a search but the states."""
    hashes = texts_of(body, "sampleSha256")
    return JobFilter(
        **_by_customers(who, _customers_of(body)),
        **_by_times(body),
        file_sha256=tuple(found.lower() for found in hashes) or None,
    )


def read_states(words: Sequence[str]) -> Sequence[str]:
    """The states that are asked for; no words ask for all."""
    for word in words:
        if word not in JOB_STATES:
            raise invalid(f"A state is one of {', '.join(JOB_STATES)}.", "state")
    return words or tuple(JOB_STATES)


def read_order(words: Sequence[str]) -> JobOrder:
    """The order of a list of jobs, in words like ``-enqueuedTimestamp``, which is what no words ask for.

    Each time has an index that goes on in the order of creation, and no other: a time is the last word.
    """
    keys = read_sorts(words or ["-enqueuedTimestamp"], _SORTS)
    states_descend = keys.pop(0)[1] if keys[0][0] == _STATE else None
    if not keys:
        keys = [(_TIMES["enqueuedTimestamp"], bool(states_descend))]
    if len(keys) > 1 or keys[0][0] == _STATE:
        raise invalid("Jobs are sorted by one time, or by their state and then one time.", "sortBy")
    return JobOrder(*keys[0], states_descend)


def read_sorts(words: Sequence[str], names: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Our names of what to sort by, each with whether the greatest comes first."""
    found = []
    for word in words:
        name = word[1:] if word.startswith(("-", "+")) else word
        if name not in names:
            raise invalid(f"Sort by {', '.join(names)}, with '-' in front for descending.", "sortBy")
        found.append((names[name], word.startswith("-")))
    return found


def number_of(body: dict[str, Any], name: str, default: int) -> int:
    """A number in the body of a search."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise invalid("This must be a whole number.", name)
    return value


def _customers_of(body: dict[str, Any]) -> list[str]:
    """Customers are shown with a number, and may be asked for by it, too."""
    named = body.get("customer")
    if isinstance(named, list):
        named = [str(one) if type(one) is int else one for one in named]
    return texts_of({"customer": named}, "customer")


def _by_customers(who: Caller, wanted: Collection[str]) -> dict[str, Any]:
    """Customers are named by their short name or their ID: the number that we show, or the owner's own ID."""
    if not wanted:
        return {"owner_id": who.sees}
    queries = parts().queries
    owners = queries.owners.page(Page(limit=None)) if who.sees is None else [queries.owners.get(who.sees)]
    found = [owner.id for owner in owners if {owner.id, owner.name, str(customer_number(owner))} & set(wanted)]
    return {"owner_id": found[0]} if len(found) == 1 else {"owner_ids": tuple(found)}


def _by_times(body: dict[str, Any]) -> dict[str, Any]:
    now = parts().outside.clock()
    after, before = (parse_time(body.get(name), name, now) for name in ("startTimestamp", "endTimestamp"))
    fields = texts_of(body, "timeFieldStrategy") or ["enqueuedTimestamp"]
    if unknown := [field for field in fields if field not in (*_TIMES, "all")]:
        raise invalid(f"There is no time {unknown[0]!r}; use {', '.join(_TIMES)} or all.", "timeFieldStrategy")
    strategy = text_of(body, "timeMatchStrategy", default="any")
    if strategy not in ("any", "all"):
        raise invalid("Either any of the times must match, or all.", "timeMatchStrategy")
    bounds = {name: at for name, at in (("after", after), ("before", before)) if at is not None}
    ours = list(_TIMES.values()) if "all" in fields else list(dict.fromkeys(_TIMES[field] for field in fields))
    if not bounds:
        return {}
    if strategy == "any" and len(ours) > 1:
        return {"spans": tuple(Span(field, **bounds) for field in ours)}
    stems = [field.removesuffix("_at") for field in ours]
    return {f"{stem}_{side}": at for stem in stems for side, at in bounds.items()}
