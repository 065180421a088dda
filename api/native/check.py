"""The audit over HTTP: do states, counters, bytes and Redis agree with the rows?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from api.auth import ADMIN, may
from api.native.blueprint import Blueprint
from api.native.members import word_member
from api.parts import parts
from jobengine.domain.audit import SENTENCES, Invariant

blueprint = Blueprint("check", __name__, url_prefix="/api/v1", description="Whether everything agrees")


class CheckArguments(Schema):
    """How thorough to be."""

    hashes = fields.Boolean(
        load_default=False, metadata={"description": "Read all bytes and compare their SHA-256, not only their sizes."}
    )


class DifferenceShape(Schema):
    """Where something does not hold."""

    invariant = word_member(Invariant)
    sentence = fields.String(required=True, metadata={"description": "What should hold."})
    subject_id = fields.String(required=True, metadata={"description": "What it concerns, by ID where it has one."})
    expected = fields.String(required=True, metadata={"description": "What follows from the rows."})
    found = fields.String(required=True, metadata={"description": "What is there."})


class CheckShape(Schema):
    """What the audit found."""

    is_clean = fields.Boolean(required=True)
    differences = fields.List(fields.Nested(DifferenceShape), required=True)


@blueprint.get("/check")
@may(ADMIN)
@blueprint.arguments(CheckArguments, location="query")
@blueprint.response(200, CheckShape)
def check(arguments: dict[str, Any]) -> dict[str, Any]:
    """Recompute what states, counters and Redis claim, of all owners; the system may run meanwhile.

    It answers when it is done. With millions of jobs that takes minutes: ``jobengine check`` is better there.
    """
    differences = parts().engine.audit(with_hashes=arguments["hashes"])
    return {
        "is_clean": not differences,
        "differences": [
            {**asdict(one), "invariant": one.invariant.value, "sentence": SENTENCES[one.invariant]}
            for one in differences
        ],
    }
