"""What the documentation says is what the code does."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

from jobengine.domain.states import draw_table
from jobengine.runtime import Reject, load_steps, step
from jobengine.runtime.harness import run_step

ROOT = Path(__file__).parents[2]


def test_the_state_table_in_the_docs_is_drawn_from_the_code() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("draw_table -->\n")
    table, _, _ = rest.partition("\n<!-- end of states -->")
    assert table == draw_table()


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_step_in_the_docs_works_and_so_does_its_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, test = blocks((ROOT / "docs" / "steps.md").read_text(encoding="utf-8"), "python")
    (tmp_path / "lengths.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    registry = load_steps(["lengths"])
    assert not registry.failures
    assert [node.step for node in registry.pipelines["lengths", 1].nodes] == ["text.length"]
    names = dict(vars(sys.modules.pop("lengths")))
    exec(test, names)
    names["test_a_text_is_measured"](tmp_path)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(Reject, match=r"'empty\.txt' is empty"):
        run_step(names["length"], [tmp_path / "empty.txt"])


def test_the_docs_name_every_argument_of_a_step() -> None:
    text = (ROOT / "docs" / "steps.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(inspect.signature(step).parameters)
