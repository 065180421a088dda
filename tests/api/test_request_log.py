"""The log has one line for each request, whatever its path holds."""

from __future__ import annotations

import logging

import pytest

from tests.api.conftest import MakeClient


@pytest.mark.parametrize("sign", ["%0A", "%0D", "%1B%5B2J", "%C2%85", "%E2%80%A8", "%E2%80%AE"])
def test_a_path_cannot_write_a_line_of_its_own(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture, sign: str
) -> None:
    with caplog.at_level(logging.INFO, "api.requestlog"):
        make_client(None).get(f"/jobs/x{sign}2026-01-01 INFO api.requestlog: forged")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "api.requestlog"]
    assert line.isprintable()


def test_a_path_of_any_alphabet_is_logged_as_it_is(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "api.requestlog"):
        answer = make_client(None).get("/jobs/Zählung 1")
    assert f"{answer.headers['X-Request-ID']} GET /jobs/Zählung 1 401 " in caplog.text
