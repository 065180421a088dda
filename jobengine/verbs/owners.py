"""Owners and their keys. Of a key's secret only a hash is kept; the secret itself is shown once."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import replace

from jobengine.domain.errors import EngineError, ErrorCode, conflict, invalid, not_found
from jobengine.domain.ids import is_id
from jobengine.domain.interfaces.ledger import Ledger
from jobengine.domain.records import Key, Limits, Owner, Role
from jobengine.verbs.outside import Outside

log = logging.getLogger(__name__)

_PREFIX = "je"
_USED_SECONDS = 60.0


def create_key(outside: Outside, owner_name: str, role: Role, name: str = "", expires_at: float | None = None) -> str:
    """A new key for an owner, who is created where there is none of that name; the whole key, once."""
    _check_name(owner_name, "owner")
    secret = secrets.token_urlsafe(32)
    now = outside.clock()
    if expires_at is not None and expires_at <= now:
        raise invalid("This time has passed; such a key would let nobody in.", "expires_at")
    with outside.store.begin() as ledger:
        owner = ledger.owners.find(owner_name) or _create_owner(outside, ledger, owner_name, now)
        key = Key(outside.ids.new(), owner.id, name, role, _digest(secret), now, expires_at)
        ledger.owners.insert_keys([key])
    return f"{_PREFIX}_{key.id}_{secret}"


def create_owner(outside: Outside, name: str, limits: Limits) -> Owner:
    """A new owner without keys; raises EngineError(CONFLICT) when there is one of that name."""
    _check_name(name, "name")
    with outside.store.begin() as ledger:
        if ledger.owners.find(name) is not None:
            raise conflict(f"There is an owner {name!r} already; choose another name.", "name")
        owner = Owner(outside.ids.new(), name, outside.clock(), limits)
        ledger.owners.insert([owner])
    return owner


def authenticate(outside: Outside, text: str) -> Key:
    """The key that the text is; raises EngineError(UNAUTHENTICATED) for every other text, always in the same words."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    refusal = EngineError(ErrorCode.UNAUTHENTICATED, "A valid API key is needed.")
    if prefix != _PREFIX or not is_id(key_id):
        raise refusal
    with outside.store.read() as ledger:
        key = ledger.owners.key(key_id)
    now = outside.clock()
    # Compared also where there is no such key, so that the time taken tells nothing.
    is_same = hmac.compare_digest(_digest(secret), key.secret_sha256 if key else _digest(""))
    if key is None or not is_same or key.revoked_at is not None:
        raise refusal
    if key.expires_at is not None and key.expires_at <= now:
        raise refusal
    if key.last_used_at is None or now - key.last_used_at > _USED_SECONDS:
        _note_use(outside, key.id, now)
    return key


def _note_use(outside: Outside, key_id: str, now: float) -> None:
    """Write that the key is used; who only wants to read is let in also while nothing can be written."""
    try:
        with outside.store.begin() as ledger:
            ledger.owners.touch_key(key_id, now)
    except EngineError as error:
        if error.code is not ErrorCode.UNAVAILABLE:
            raise
        log.warning("the use of the key %s cannot be noted: %s", key_id, error)


def revoke_key(outside: Outside, key_id: str) -> None:
    """End a key at once; raises EngineError(NOT_FOUND) when there is none."""
    with outside.store.begin() as ledger:
        key = ledger.owners.key(key_id)
        if key is None:
            raise not_found("key", key_id)
        ledger.owners.write_key(replace(key, revoked_at=outside.clock()))


def set_limits(outside: Outside, owner_id: str, limits: Limits) -> Owner:
    """Set all limits of an owner; raises EngineError(NOT_FOUND)."""
    with outside.store.begin() as ledger:
        owner = ledger.owners.fetch([owner_id]).get(owner_id)
        if owner is None:
            raise not_found("owner", owner_id)
        changed = replace(owner, limits=limits)
        ledger.owners.write_limits(changed)
    return changed


def _check_name(name: str, field: str) -> None:
    if not name or len(name) > 200:
        raise invalid("An owner has a name of up to 200 characters.", field)


def _create_owner(outside: Outside, ledger: Ledger, name: str, now: float) -> Owner:
    owner = Owner(outside.ids.new(), name, now)
    ledger.owners.insert([owner])
    return owner


def _digest(secret: str) -> str:
    # A plain hash is enough: the secret has 256 random bits, so there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
