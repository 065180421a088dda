"""What the documentation says is what the code does."""

from __future__ import annotations

from pathlib import Path

from jobengine.domain.states import draw_table

ROOT = Path(__file__).parents[2]


def test_the_state_table_in_the_docs_is_drawn_from_the_code() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("draw_table -->\n")
    table, _, _ = rest.partition("\n<!-- end of states -->")
    assert table == draw_table()
