"""TIFF: pages, channels and the size of a pixel."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.image.photometric import as_light, check_colors, has_color_map
from workers.image.pixels import Image, UnreadableImage, as_channels, check_numbers, check_page, check_size

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_MOST_PAGES_AS_CHANNELS = 4
_ALPHA = (1, 2)
_MICROMETRES = ("um", "µm", "micron")


def read_tiff(path: Path, page: int | None) -> Image:
    """Read one page of a TIFF with all of its channels.

    Pages are counted in the order of the file. Without ``page``, two to four pages of one size and one channel are the
    channels of one image, and of all others the first page is read. High values are light, also where the file has
    white as zero; pages with a color map are in RGB.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        pages = sum(_count_pages(series) for series in tiff.series)
        check_page(page, pages)
        series, first = _find_series(tiff, page or 0)
        planes = _as_planes(series)
        size = _pixel_size_um(tiff)
        are_channels = planes.shape[3] == 1 and 1 < pages == len(planes) <= _MOST_PAGES_AS_CHANNELS
        if page is None and are_channels and not has_color_map(series.keyframe):
            together = np.moveaxis(planes[:, :, :, 0], 0, -1)
            return Image(as_channels(as_light(together, series.keyframe)), pages, None, size)
        plane = (page or 0) - first
        light = as_light(planes[plane], _page_of(series, plane, len(planes)))
        return Image(as_channels(light), pages, page or 0, size)


def _find_series(tiff: Any, page: int) -> tuple[Any, int]:
    """The series that holds a page, and the number of the first page in it: pages of one size are one series."""
    first = 0
    for series in tiff.series:
        count = _count_pages(series)
        if page < first + count:
            return series, first
        first += count
    raise UnreadableImage("The image has no pixels.")


def _count_pages(series: Any) -> int:
    return math.prod(length for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YXSC")


def _page_of(series: Any, plane: int, planes: int) -> Any:
    """The page that says what the numbers of a plane mean; each page may have a color map of its own."""
    if has_color_map(series.keyframe) and len(series.pages) == planes:
        return series.pages[plane].aspage()
    return series.keyframe


def _as_planes(series: Any) -> NDArray[Any]:
    """A series as (pages, height, width, channels); decodes only what is not too large."""
    shape = dict(zip(series.axes, series.shape, strict=True))
    check_size(shape.get("Y", 0), shape.get("X", 0), _count_pages(series) * shape.get("C", 1))
    check_numbers(series.dtype)
    check_colors(series.keyframe)
    samples = _count_samples(series.keyframe, shape.get("S", 1))
    axes = [axis for axis in series.axes if axis not in "YXSC"] + ["Y", "X"]
    pixels = series.asarray()
    if "S" in shape:
        pixels = pixels.take(range(samples), axis=series.axes.index("S"))
    # Channels and samples come last; where a page has both, each sample of each channel is a channel.
    order = [series.axes.index(axis) for axis in [*axes, *(axis for axis in "CS" if axis in shape)]]
    channels = samples * shape.get("C", 1)
    return np.asarray(pixels.transpose(order).reshape(-1, shape["Y"], shape["X"], channels))


def _count_samples(page: Any, samples: int) -> int:
    """How many samples of a pixel are channels: all but transparency."""
    from tifffile import PHOTOMETRIC

    if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) and samples > 3:
        return 3
    return samples - sum(kind in _ALPHA for kind in page.extrasamples) if samples > 1 else samples


def _pixel_size_um(tiff: Any) -> float | None:
    """The edge of a pixel from ImageJ or OME metadata, where it is in micrometres."""
    if tiff.is_imagej and str(tiff.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ") in _MICROMETRES:
        tag = tiff.pages[0].tags.get("XResolution")
        if tag is not None and tag.value[0]:
            return float(tag.value[1] / tag.value[0])
    if tiff.is_ome:
        found = re.search(r'PhysicalSizeX="([0-9.eE+-]+)"', tiff.ome_metadata or "")
        unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', tiff.ome_metadata or "")
        if found and (unit is None or unit.group(1) in _MICROMETRES):
            return float(found.group(1)) or None
    return None
