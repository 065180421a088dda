"""Who is asking: a key from a header, its owner and its role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, g, request

from api.parts import parts
from api.strict import reads_query, refuse_query
from jobengine.domain.errors import EngineError, ErrorCode
from jobengine.domain.records import Key, Role

P = ParamSpec("P")
R = TypeVar("R")

READ = frozenset(Role)
SUBMIT = frozenset({Role.SUBMITTER, Role.ADMIN})
ANALYZE = frozenset({Role.ANALYZER, Role.ADMIN})
ADMIN = frozenset({Role.ADMIN})

AS_BEARER = "'Authorization: Bearer je_…'"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds the key of this request."""

    owner_id: str
    role: Role

    @property
    def sees(self) -> str | None:
        """Whose rows the caller sees; None is everybody's."""
        return None if self.role is Role.ADMIN else self.owner_id


def authenticate(secret: str | None, allowed: frozenset[Role] = READ, *, sent_as: str) -> Caller:
    """The caller with that key; raises EngineError(UNAUTHENTICATED), or (FORBIDDEN) where the role is not allowed.

    ``sent_as`` spells the header that the key comes in, for whoever sent none, or another.
    """
    key = _key_of_request(secret) if secret else None
    if key is None:
        raise EngineError(ErrorCode.UNAUTHENTICATED, f"Send a valid API key: {sent_as}.")
    if key.role not in allowed:
        roles = " or ".join(role.value for role in Role if role in allowed)
        message = f"A key with the role {key.role.value} may not do this; send one with the role {roles}: {sent_as}."
        raise EngineError(ErrorCode.FORBIDDEN, message)
    return Caller(key.owner_id, key.role)


def in_header(name: str) -> str:
    """How a key is sent in that header."""
    return f"'{name}: je_…'"


def _key_of_request(secret: str) -> Key | None:
    """The key, looked up and counted once per request; None where there is none like that."""
    known = g.get("key")
    if known is None or known[0] != secret:
        try:
            key = parts().engine.authenticate(secret)
        except EngineError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return None
        current_app.extensions["jobengine-limits"].take(key.owner_id)
        g.key = known = (secret, key)
    return cast(Key, known[1])


def owner_of_request() -> str | None:
    """Whose key came with this request, once it was looked up."""
    known = g.get("key")
    return None if known is None else cast(Key, known[1]).owner_id


def header_key() -> str | None:
    """The key that the native API's headers hold."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key")


def admit(allowed: frozenset[Role]) -> Caller:
    """Let the caller of this request in; raises EngineError where there is no key, or its role is another."""
    g.caller = authenticate(header_key(), allowed, sent_as=f"{AS_BEARER} or {in_header('X-API-Key')}")
    return caller()


def caller() -> Caller:
    """Who was let in."""
    return cast(Caller, g.caller)


def may(allowed: frozenset[Role]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only these roles in, checked before the rest of the request is looked at; nor may the query hold what the
    view does not read.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            admit(allowed)
            if not reads_query(view):
                refuse_query()
            return view(*args, **kwargs)

        guarded.roles = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate
