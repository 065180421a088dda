"""Running a step in the test of its author."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobengine.runtime import Context, step
from jobengine.runtime.harness import run_step


@step("harness.length", version="1", scope="file", result_kind="x")
def length(context: Context) -> dict[str, Any]:
    """How long the file is."""
    with context.file.open() as stream:
        return {"name": context.file.name, "length": len(stream.read())}


@step("harness.count", version="1", scope="job", result_kind="x")
def count(context: Context) -> dict[str, Any]:
    """How many files there are."""
    return {"files": len(context.files)}


@pytest.mark.parametrize("kind", [Path, str])
def test_a_file_is_given_by_its_path_or_by_the_text_of_it(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abc")
    assert run_step(length, [kind(path)]).result == {"name": "a.txt", "length": 3}


def test_a_step_on_one_file_is_not_run_on_another_number_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abc")
    for paths in ([], [path, path]):
        with pytest.raises(ValueError, match=f"harness.length works on one file at a time, and was given {len(paths)}"):
            run_step(length, paths)
        assert run_step(count, paths).result == {"files": len(paths)}
