"""What names lead out of a folder."""

from __future__ import annotations

import pytest

from jobengine.domain.names import leads_elsewhere


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../a",
        "a/..",
        "a/../b",
        "a\\..\\b",
        "./a",
        "/",
        "/etc/passwd",
        "\\\\server\\a",
        "C:\\a",
        "c:/a",
        "..\\a",
    ],
)
def test_what_leads_elsewhere(name: str) -> None:
    assert leads_elsewhere(name)


@pytest.mark.parametrize("name", ["", "a.png", ".hidden", "a..b", "...", "a/b.png", "a\\b.png", "C:a", "1:/a", "a b"])
def test_what_stays_where_it_is(name: str) -> None:
    assert not leads_elsewhere(name)
