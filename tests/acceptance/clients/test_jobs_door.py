"""Two products at one path."""

from __future__ import annotations

import httpx
import pytest

from tests.acceptance.clients.access import key_of
from tests.acceptance.system import System

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("clients")]


def test_each_product_sees_its_own_half_of_jobs(system: System) -> None:
    key = key_of(system, "both", "viewer")
    bearer = httpx.get(f"{system.url}/jobs", headers={"Authorization": f"Bearer {key}"})
    token = httpx.get(f"{system.url}/jobs", headers={"apitoken": key})
    assert (bearer.json(), token.json()) == ([], {"status": "successful", "data": []})
