"""Object counts on real images, and how good they are against outlines drawn by experts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bench.matching import count_matches, f1
from workers.image.measurement import measure
from workers.image.reading import read_image
from workers.image.segmentation import flatten_background, make_bright, segment, to_intensity

ROOT = Path(__file__).parents[3]
NUCLEI = ROOT / "examples" / "nuclei"
TRUTH = ROOT / "tests" / "data" / "image"

# Image: objects that are found, objects that the experts outlined.
COUNTS = {
    "0287e7ee5b00": (53, 62),
    "1f0008060150": (31, 29),
    "35ca5f142a7d": (47, 51),
    "5908488d940e": (44, 46),
    "7aa1aaa5e032": (62, 66),
    "a1777737270c": (30, 26),
    "c0c4a829c8d3": (16, 15),
    "d7db360fabfc": (31, 27),
}


def find(name: str) -> np.ndarray:
    """The labels of one of the carried images."""
    return segment(make_bright(to_intensity(read_image(NUCLEI / f"{name}.png").pixels), "auto"))


def truth(name: str) -> np.ndarray:
    """Its labels as experts drew them."""
    with Image.open(TRUTH / f"{name}.labels.png") as picture:
        return np.asarray(picture).astype(np.int64)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_count_on_a_real_image_is_known_and_near_the_experts(name: str) -> None:
    labels = find(name)
    assert (labels.max(), len(np.unique(truth(name))) - 1) == COUNTS[name]
    assert sorted(np.unique(labels)) == list(range(labels.max() + 1))


def test_the_objects_match_the_experts_outlines() -> None:
    totals = np.sum([count_matches(find(name), truth(name), 0.5) for name in COUNTS], axis=0)
    assert f1(*totals) >= 0.8


def test_the_same_image_always_gives_the_same_labels() -> None:
    assert np.array_equal(find("c0c4a829c8d3"), find("c0c4a829c8d3"))


def disks(*places: tuple[int, int, int], shape: tuple[int, int] = (120, 120)) -> np.ndarray:
    """An intensity with bright disks at (row, column, radius)."""
    rows, columns = np.indices(shape)
    image = np.full(shape, 0.1)
    for row, column, radius in places:
        image[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 0.8
    return image


def test_touching_disks_are_split_and_single_ones_are_not() -> None:
    labels = segment(disks((40, 40, 14), (40, 64, 14), (90, 90, 12)), method="otsu")
    assert labels.max() == 3


def test_dark_objects_are_turned_around() -> None:
    dark = 1 - disks((30, 30, 10), (80, 80, 12))
    assert segment(make_bright(dark, "auto"), method="otsu").max() == 2
    assert np.array_equal(make_bright(dark, "bright"), dark)


def test_an_uneven_ground_is_flattened() -> None:
    slope = np.linspace(0, 0.6, 120)[None, :]
    image = np.clip(disks((30, 20, 8), (80, 100, 8)) * 0.5 + slope, 0, 1)
    labels = segment(image, method="otsu", background_radius=20)
    assert labels.max() == 2
    assert flatten_background(image, 0) is image


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_image_without_contrast_has_no_objects(value: float) -> None:
    assert segment(np.full((50, 50), value)).max() == 0


def test_objects_that_are_too_small_are_left_out() -> None:
    image = disks((30, 30, 10), (80, 80, 3))
    assert segment(image, method="otsu", min_area=20).max() == 2
    assert segment(image, method="otsu", min_area=60).max() == 1


def test_a_disk_is_measured_as_one() -> None:
    labels = segment(disks((50, 60, 20)), method="otsu", sigma=0.0)
    pixels = np.stack([np.where(labels > 0, 100, 0), np.full(labels.shape, 7)], axis=2).astype(np.uint8)
    (row,) = measure(labels, pixels, pixel_size_um=0.5)
    assert row["area_px2"] == pytest.approx(np.pi * 400, rel=0.02)
    assert row["perimeter_px"] == pytest.approx(2 * np.pi * 20, rel=0.05)
    assert (row["centroid_y_px"], row["centroid_x_px"]) == (50.0, 60.0)
    assert row["eccentricity"] < 0.1
    assert row["area_um2"] == row["area_px2"] / 4
    for side in ("top", "left", "bottom", "right"):
        assert row[f"box_{side}_um"] == row[f"box_{side}_px"] / 2
    assert row["major_axis_um"] == pytest.approx(20, rel=0.02)
    assert (row["channel0_mean"], row["channel1_maximum"], row["channel1_standard_deviation"]) == (100.0, 7.0, 0.0)


def test_the_numbers_of_an_image_without_a_scale_are_in_pixels_only() -> None:
    labels = segment(disks((50, 60, 20)), method="otsu")
    (row,) = measure(labels, labels[:, :, None].astype(np.uint8))
    assert not [name for name in row if "_um" in name]
