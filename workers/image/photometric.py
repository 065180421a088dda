"""What the numbers of a TIFF mean, by its photometric interpretation, and how they become light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.image.pixels import UnreadableImage

_WHITE_IS_ZERO, _COLOR_MAP, _YCBCR = 0, 3, 6
_NO_LIGHT = {
    5: "CMYK",
    8: "L*a*b*",
    9: "L*a*b*",
    10: "L*a*b*",
    32803: "those of a camera's raw data",
    32844: "LogL",
    32845: "LogLuv",
    34892: "those of a camera's raw data",
}
# With these compressions the decoder makes RGB of YCbCr.
_JPEG = (6, 7, 33007, 34892)


def has_color_map(page: Any) -> bool:
    """Whether the numbers of a TIFF page are the entries of its color map."""
    return bool(page.photometric == _COLOR_MAP)


def check_colors(page: Any) -> None:
    """Refuse a TIFF page whose numbers cannot be taken as amounts of light; raises UnreadableImage."""
    colors = _NO_LIGHT.get(int(page.photometric))
    if page.photometric == _YCBCR and page.compression not in _JPEG:
        colors = "YCbCr"
    if colors:
        raise UnreadableImage(f"The colors of the image are {colors}; save it as RGB.")


def as_light(pixels: NDArray[Any], page: Any) -> NDArray[Any]:
    """Pixels of (height, width, channels) of a TIFF page as light: the brighter, the higher.

    Where white is zero (MINISWHITE), the numbers are turned around within the bits that they have, so that measurements
    and segmentation see light as high values. Numbers that stand for the colors of a map (PALETTE) become these colors:
    red, green and blue of each channel, uint8 where that loses nothing, else uint16.
    """
    if page.photometric == _WHITE_IS_ZERO:
        return ~pixels if pixels.dtype == np.bool_ else (1 << page.bitspersample) - 1 - pixels
    if has_color_map(page):
        return np.take(_read_color_map(page), pixels, axis=0).reshape(*pixels.shape[:2], -1)
    return pixels


def _read_color_map(page: Any) -> NDArray[Any]:
    """The colors of a page as (numbers, 3)."""
    if page.colormap is None or page.colormap.shape[-1] < 1 << page.bitspersample:
        raise UnreadableImage("The color map of the image is too short, or not there; save the image as RGB.")
    colors = page.colormap.T
    high, low = colors >> 8, colors & 255
    # Maps of 8 bits are written in three ways: as the upper bytes, in both bytes, and, by old programs, in the lower.
    if not high.any():
        return np.asarray(low, dtype=np.uint8)
    return np.asarray(high, dtype=np.uint8) if np.all((low == 0) | (low == high)) else np.asarray(colors)
