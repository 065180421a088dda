"""Measuring labelled objects: one row per object, in pixels and, where the scale is known, in micrometres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

INTENSITIES = ("mean", "minimum", "maximum", "standard_deviation", "integrated")

Row = dict[str, float | int]


def measure(labels: NDArray[Any], pixels: NDArray[Any], pixel_size_um: float | None = None) -> list[Row]:
    """One row per object, by label.

    ``labels`` is (height, width), ``pixels`` (height, width, channels) in its own units. Shape features follow
    skimage.measure.regionprops: moments of the region, perimeter after Benkrid and Crookes (2000), orientation in
    radians between the first axis and the major one. Lengths end in ``_px`` or ``_um``, areas in ``_px2`` or ``_um2``.
    """
    from skimage import measure as regions

    rows = []
    for region in regions.regionprops(labels, intensity_image=pixels):
        top, left, bottom, right = region.bbox
        row: Row = {
            "label": int(region.label),
            "centroid_y_px": float(region.centroid[0]),
            "centroid_x_px": float(region.centroid[1]),
            "box_top_px": top,
            "box_left_px": left,
            "box_bottom_px": bottom,
            "box_right_px": right,
            "area_px2": float(region.area),
            "perimeter_px": float(region.perimeter),
            "major_axis_px": float(region.axis_major_length),
            "minor_axis_px": float(region.axis_minor_length),
            "eccentricity": float(region.eccentricity),
            "solidity": float(region.solidity),
            "orientation_rad": float(region.orientation),
        }
        if pixel_size_um is not None:
            row |= _in_micrometres(row, pixel_size_um)
        row |= _intensities(np.asarray(pixels[region.slice][region.image]))
        rows.append(row)
    return rows


def _in_micrometres(row: Row, size: float) -> Row:
    scaled: Row = {"area_um2": row["area_px2"] * size * size}
    for name, value in row.items():
        if name.endswith("_px"):
            scaled[f"{name.removesuffix('_px')}_um"] = value * size
    return scaled


def _intensities(values: NDArray[Any]) -> Row:
    """``values`` is (pixels, channels)."""
    row: Row = {}
    for channel in range(values.shape[1]):
        inside = values[:, channel].astype(np.float64)
        found = (inside.mean(), inside.min(), inside.max(), inside.std(), inside.sum())
        row |= {f"channel{channel}_{name}": float(value) for name, value in zip(INTENSITIES, found, strict=True)}
    return row
