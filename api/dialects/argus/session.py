"""The one call of the authentication service that clients make: does this key work?"""

from __future__ import annotations

from flask import Response

from api.dialects.argus.door import blueprint, caller, stash
from api.parts import parts


@blueprint.get("/authentication/v1/session")
def get_session() -> Response:
    """Whose session it is."""
    owner = parts().queries.owners.get(caller().owner_id)
    return stash({"user": {"id": owner.id, "name": owner.name, "userName": owner.name}})
