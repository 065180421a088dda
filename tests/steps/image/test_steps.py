"""The image steps, run by the harness: no Redis, no database."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from jobengine.runtime import Reject
from jobengine.runtime.harness import StepRun, run_step
from workers.image import masks, measure, segment, tables
from workers.image.tables import safe_cell, write_csv

NUCLEI = Path(__file__).parents[3] / "examples" / "nuclei"
ONE, TWO = NUCLEI / "c0c4a829c8d3.png", NUCLEI / "a1777737270c.png"


def both(path: Path) -> tuple[StepRun, StepRun]:
    """Segment and measure an image."""
    found = run_step(segment, [path])
    return found, run_step(measure, [path], {"pixel_size_um": 0.5}, [found])


def test_an_image_is_segmented_and_measured() -> None:
    found, measured = both(ONE)
    assert (found.result["objects"], measured.result["objects"]) == (16, 16)
    labels = tifffile.imread(io.BytesIO(found.artifacts["labels.tif"]))
    assert (labels.dtype, labels.shape, labels.max()) == (np.uint16, (256, 256), 16)
    assert found.artifacts["overlay.png"].startswith(b"\x89PNG")
    rows = json.loads(measured.artifacts["objects.json"])
    assert [row["label"] for row in rows] == list(range(1, 17))
    assert measured.result["mean_area_px2"] == pytest.approx(sum(row["area_px2"] for row in rows) / 16)
    assert rows[0]["area_um2"] == rows[0]["area_px2"] / 4


def test_the_tables_hold_every_object_and_the_totals() -> None:
    runs = [both(path)[1] for path in (ONE, TWO)]
    made = run_step(tables, predecessors=runs)
    assert made.result == {"files": 2, "objects": 46}
    objects = list(csv.DictReader(io.StringIO(made.artifacts["objects.csv"].decode())))
    assert len(objects) == 46
    assert {row["file_name"] for row in objects} == {ONE.name, TWO.name}
    aggregates = list(csv.DictReader(io.StringIO(made.artifacts["aggregates.csv"].decode())))
    assert [(row["file_name"], row["objects"]) for row in aggregates] == [
        (ONE.name, "16"),
        (TWO.name, "30"),
        ("total", "46"),
    ]


def test_the_masks_are_packed_by_file() -> None:
    made = run_step(masks, predecessors=[*both(ONE), *both(TWO)])
    with zipfile.ZipFile(io.BytesIO(made.artifacts["masks.zip"])) as archive:
        names = archive.namelist()
        assert sorted(name.split("/")[1] for name in names) == ["labels.tif"] * 2 + ["objects.json"] * 2
        assert all(".." not in name and not name.startswith("/") for name in names)
        labels = next(name for name in names if "c0c4" in name and name.endswith("labels.tif"))
        assert tifffile.imread(io.BytesIO(archive.read(labels))).max() == 16


def test_a_bad_image_is_rejected_by_its_name(tmp_path: Path) -> None:
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    with pytest.raises(Reject, match=r"'notes.png' cannot be analysed\. The file is not a PNG"):
        run_step(segment, [bad])


def test_a_type_that_the_step_does_not_take_is_rejected(tmp_path: Path) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("no image")
    with pytest.raises(Reject, match="text/plain; this step takes image/png"):
        run_step(segment, [bad])


def test_a_channel_that_is_not_there_is_rejected() -> None:
    with pytest.raises(Reject, match="has 1 channel, counted from 0; there is no channel 2"):
        run_step(segment, [ONE], {"channel": 2})


def test_a_page_that_is_not_there_is_rejected() -> None:
    with pytest.raises(Reject, match="has 1 page, counted from 0; there is no page 5"):
        run_step(segment, [ONE], {"page": 5})


def test_the_result_says_which_of_how_many_pages_was_read_and_the_same_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    stack = np.zeros((3, 60, 60), np.uint8)
    stack[1, 20:40, 20:40] = 200
    tifffile.imwrite(path, stack, photometric="minisblack")
    found = run_step(segment, [path], {"page": 1})
    assert {name: found.result[name] for name in ("pages", "page", "channels", "objects")} == {
        "pages": 3,
        "page": 1,
        "channels": 1,
        "objects": 1,
    }
    (row,) = json.loads(run_step(measure, [path], {}, [found]).artifacts["objects.json"])
    assert row["channel0_mean"] > 150
    together = run_step(segment, [path]).result
    assert (together["pages"], together["page"], together["channels"]) == (3, None, 3)


def test_parameters_are_checked() -> None:
    with pytest.raises(Reject, match="sigma"):
        run_step(segment, [ONE], {"sigma": -1})


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert write_csv([{"name": text, "value": -1.5}]).decode().splitlines()[1].endswith(",-1.5")


def test_importing_the_field_loads_no_heavy_library() -> None:
    program = "import sys, workers.image; print(sorted({'skimage', 'scipy', 'numpy', 'tifffile'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
