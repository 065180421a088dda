"""Documented APIs of other products, served at their own paths; a new one is a package and a line here."""

from api.dialects import argus, biodock, et_engine, kallima, mcrit
from api.dialects.jobs_door import blueprint as jobs_door

DIALECTS = (biodock.DIALECT, argus.DIALECT, kallima.DIALECT, mcrit.DIALECT, et_engine.DIALECT)
"""In the order in which they are asked whether a request is theirs."""

BLUEPRINTS = (
    jobs_door,
    biodock.blueprint,
    argus.blueprint,
    mcrit.blueprint,
    et_engine.blueprint,
)

__all__ = ["BLUEPRINTS", "DIALECTS"]
