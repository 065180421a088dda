"""Where downloaded artifacts are put."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobengine.cli.results import place_artifacts, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("objects.csv", "objects.csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("/absolute", "_absolute"),
        (".hidden", "hidden"),
        ("..", "file"),
        ("", "file"),
        ("a\x00b\nc", "a_b_c"),
        ("con:aux?.txt", "con_aux_.txt"),
    ],
)
def test_a_name_never_leaves_its_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_end_and_fits_a_file_system() -> None:
    safe = safe_name("ä" * 400 + ".tiff")
    assert safe.endswith(".tiff")
    assert len(safe.encode()) <= 150


def test_every_artifact_gets_a_path_of_its_own() -> None:
    tasks = {
        "t1": {"file": "f1", "node": "segment"},
        "t2": {"file": "f1", "node": "measure"},
        "t3": {"file": None, "node": "tables"},
        "t4": {"file": None, "node": "tables"},
    }
    artifacts = [
        {"id": "a1", "task_id": "t1", "name": "out.png"},
        {"id": "a2", "task_id": "t2", "name": "OUT.png"},
        {"id": "a3", "task_id": "t3", "name": "table.csv"},
        {"id": "a4", "task_id": "t4", "name": "table.csv"},
        {"id": "a5", "task_id": "t3", "name": "other.csv"},
    ]
    placed = {artifact["id"]: path for artifact, path in place_artifacts(artifacts, tasks, {"f1": "cells.png"})}
    assert len(set(placed.values())) == len(artifacts)
    assert placed["a1"] == Path("cells.png-f1", "segment-out.png")
    assert placed["a2"] == Path("cells.png-f1", "measure-OUT.png")
    assert placed["a5"] == Path("other.csv")
