"""Every route that there is, by the contract that it belongs to."""

from __future__ import annotations

from tests.api.routes.argus import ARGUS
from tests.api.routes.biodock import BIODOCK
from tests.api.routes.contract import Row
from tests.api.routes.et_engine import ET_ENGINE
from tests.api.routes.kallima import KALLIMA
from tests.api.routes.mcrit import MCRIT
from tests.api.routes.native import NATIVE

CONTRACTS = (NATIVE, BIODOCK, ARGUS, MCRIT, KALLIMA, ET_ENGINE)
OPEN = (
    Row("GET", "/"),
    Row("GET", "/v1"),
    Row("GET", "/api/docs"),
    Row("GET", "/api/v1/openapi.json"),
    Row("GET", "/health/live"),
    Row("GET", "/health/ready"),
    Row("GET", "/metrics"),
    Row("GET", "/version"),
)
"""What needs no key."""
