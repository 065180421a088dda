"""What is downloaded of a job, and where it is put."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobengine.cli.results import place_artifacts, safe_name
from tests.unit.cli.conftest import Command


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


def test_an_artifact_never_takes_the_place_of_the_results() -> None:
    artifact = {"id": "a1", "task_id": "t1", "name": "Results.json"}
    ((_, place),) = place_artifacts([artifact], {"t1": {"file": None, "node": "tables"}}, {})
    assert place == Path("tables-Results.json")


def test_what_a_job_found_is_written_with_the_names_of_its_files(command: Command, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        path.write_text(path.name)
    job = json.loads(command("submit", "cells", *map(str, paths), "--json").stdout)
    command.world.finish()
    out = tmp_path / "out"
    before = len(command.wire.asked)
    done = command("results", job["id"], "--out", str(out))
    assert (done.exit_code, done.stdout) == (0, f"{out / 'results.json'}\n")
    found = json.loads((out / "results.json").read_text())
    assert len(found) == 7
    assert {key: found[0][key] for key in ("kind", "node", "step", "file_name")} == {
        "kind": "segmentation",
        "node": "segment",
        "step": "test.segment",
        "file_name": "a.png",
    }
    assert found[0]["data"] == {"of": found[0]["task"]}
    assert [row["file_name"] for row in found if row["kind"] == "tables"] == [None]
    # One request for each kind of thing, however many files there are.
    assert len(command.wire.asked) - before == 4


def test_a_job_that_made_nothing_yet_leaves_no_folder(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("a")
    job = json.loads(command("submit", "cells", str(path), "--json").stdout)
    done = command("results", job["id"], "--out", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "The job has made nothing yet.\n")
    assert not (tmp_path / "out").exists()


def test_two_jobs_are_not_mixed_in_one_folder(command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / "a.png", tmp_path / "out"
    path.write_text("a")
    first, second = (json.loads(command("submit", "cells", str(path), "--json").stdout)["id"] for _ in range(2))
    command.world.finish()
    assert command("results", first, "--out", str(out)).exit_code == 0
    written = (out / "results.json").read_bytes()
    done = command("results", second, "--out", str(out))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not of this job, and nothing was written; name another folder." in done.stderr
    assert (out / "results.json").read_bytes() == written
    assert command("results", first, "--out", str(out)).exit_code == 0


def test_a_file_of_ones_own_is_not_overwritten(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("a")
    job_id = json.loads(command("submit", "cells", str(path), "--json").stdout)["id"]
    command.world.finish()
    for text in ("my notes", '{"mine": 1}', "[1]"):
        (tmp_path / "results.json").write_text(text)
        assert command("results", job_id, "--out", str(tmp_path)).exit_code == 1
        assert (tmp_path / "results.json").read_text() == text
