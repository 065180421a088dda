"""Owners, their limits, and keys."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from api.auth import ADMIN, READ, caller, may
from api.native.blueprint import Blueprint
from api.native.criteria import Moment
from api.native.members import id_member, time_member, word_member
from api.native.shapes import moment, page_shape
from api.paging import PageArguments, listed, page_of
from api.parts import parts
from jobengine.domain.records import Key, Limits, Owner, Role

blueprint = Blueprint("owners", __name__, url_prefix="/api/v1", description="Who may do what")

_COUNT = validate.Range(0, 10**9)


class LimitsShape(Schema):
    """What an owner may use at a time; null is no limit."""

    queued_jobs = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_COUNT)
    running_tasks = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_COUNT)
    stored_bytes = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 2**62))
    requests_per_second = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0.1, 10**6))


class OwnerShape(Schema):
    """An owner."""

    id = id_member()
    name = fields.String(required=True)
    created_at = time_member()
    limits = fields.Nested(LimitsShape, required=True)


class NewOwnerShape(Schema):
    """An owner to be."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    limits = fields.Nested(LimitsShape, load_default=dict)


class NewKeyShape(Schema):
    """A key to be."""

    owner = fields.String(required=True, validate=validate.Length(1, 200))
    role = fields.Enum(Role, by_value=True, required=True)
    name = fields.String(load_default="", validate=validate.Length(max=200))
    expires_at = Moment(load_default=None, allow_none=True, metadata={"type": "string", "description": "ISO 8601"})


class KeyShape(Schema):
    """A key; its secret is not kept."""

    id = id_member()
    owner = fields.String(required=True)
    role = word_member(Role)
    name = fields.String(required=True)
    created_at = time_member()
    expires_at = time_member(optional=True)
    last_used_at = time_member(optional=True)
    revoked_at = time_member(optional=True)


class CreatedKeyShape(KeyShape):
    """A new key with its secret, which is shown this once."""

    key = fields.String(required=True)


class CallerShape(Schema):
    """Who is asking."""

    owner = fields.Nested(OwnerShape, required=True)
    role = word_member(Role)


@blueprint.get("/me")
@may(READ)
@blueprint.response(200, CallerShape)
def get_caller() -> dict[str, Any]:
    """Whose key this is, and what it may do."""
    who = caller()
    return {"owner": _owner(parts().queries.owners.get(who.owner_id)), "role": who.role.value}


@blueprint.get("/owners")
@may(ADMIN)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_shape(OwnerShape))
def list_owners(arguments: dict[str, Any]) -> dict[str, Any]:
    """List all owners, oldest first."""
    rows = parts().queries.owners.page(page_of(arguments, descending=False))
    return listed(rows, arguments, [_owner(owner) for owner in rows])


@blueprint.post("/owners")
@may(ADMIN)
@blueprint.arguments(NewOwnerShape)
@blueprint.response(201, OwnerShape)
@blueprint.refuses(409, "There is an owner of that name.")
def create_owner(body: dict[str, Any]) -> dict[str, Any]:
    """Make an owner that has no keys yet."""
    return _owner(parts().engine.create_owner(body["name"], Limits(**body["limits"])))


@blueprint.get("/owners/<id:owner_id>")
@may(ADMIN)
@blueprint.response(200, OwnerShape)
def get_owner(owner_id: str) -> dict[str, Any]:
    """One owner."""
    return _owner(parts().queries.owners.get(owner_id))


@blueprint.put("/owners/<id:owner_id>/limits")
@may(ADMIN)
@blueprint.arguments(LimitsShape)
@blueprint.response(200, OwnerShape)
def set_limits(body: dict[str, Any], owner_id: str) -> dict[str, Any]:
    """Set all limits of an owner; what is left out is no limit."""
    return _owner(parts().engine.set_limits(owner_id, Limits(**body)))


@blueprint.post("/keys")
@may(ADMIN)
@blueprint.arguments(NewKeyShape)
@blueprint.response(201, CreatedKeyShape)
def create_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make a key; an owner of that name is made where there is none."""
    text = parts().engine.create_key(body["owner"], body["role"], body["name"], body["expires_at"])
    key = parts().queries.owners.key(text.split("_")[1])
    return {**_key(key, parts().queries.owners.get(key.owner_id)), "key": text}


@blueprint.get("/keys")
@may(ADMIN)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_shape(KeyShape))
def list_keys(arguments: dict[str, Any]) -> dict[str, Any]:
    """List all keys, oldest first, without their secrets."""
    rows, owners = parts().queries.owners.keys(None, page_of(arguments, descending=False))
    return listed(rows, arguments, [_key(key, owners[key.owner_id]) for key in rows])


@blueprint.delete("/keys/<id:key_id>")
@may(ADMIN)
@blueprint.response(204)
def revoke_key(key_id: str) -> None:
    """End a key at once and for good."""
    parts().engine.revoke_key(parts().queries.owners.key(key_id).id)


def _owner(owner: Owner) -> dict[str, Any]:
    limits = {name: getattr(owner.limits, name) for name in LimitsShape().fields}
    return {"id": owner.id, "name": owner.name, "created_at": moment(owner.created_at), "limits": limits}


def _key(key: Key, owner: Owner) -> dict[str, Any]:
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    about = {"id": key.id, "owner": owner.name, "role": key.role.value, "name": key.name}
    return {**about, **{name: moment(getattr(key, name)) for name in times}}
