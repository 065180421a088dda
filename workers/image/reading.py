"""Reading images: the header first, so that nothing is decoded that would not fit; one sentence for each refusal."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXELS_LIMIT = 100_000_000
"""Height times width times pages of the largest image that is decoded."""

CHANNELS_LIMIT = 16


class UnreadableImage(Exception):
    """The file cannot be used as an image; the message is for the person who uploaded it."""


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels as (height, width, channels), uint8 or uint16; ``pixel_size_um`` is an edge in micrometres, if known."""

    pixels: NDArray[Any]
    is_color: bool
    pixel_size_um: float | None = None


def read_image(path: Path, page: int = 0) -> Image:
    """Read a PNG, JPEG or TIFF of 8 or 16 bits.

    Of a TIFF with several pages of one channel, few pages are channels, and of many ``page`` is read. Raises
    UnreadableImage with a sentence for every file that is something else, broken, empty or too large.
    """
    with path.open("rb") as stream:
        magic = stream.read(8)
    if not magic:
        raise UnreadableImage("The file is empty.")
    is_tiff = magic[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    if not is_tiff and not magic.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise UnreadableImage("The file is not a PNG, JPEG or TIFF image.")
    try:
        return _read_tiff(path, page) if is_tiff else _read_picture(path)
    except UnreadableImage:
        raise
    except Exception as error:
        # Decoders raise all kinds of things at broken files; whatever it was, the file is what is wrong.
        raise UnreadableImage("The image is damaged or was cut off while it was written.") from error


def _read_picture(path: Path) -> Image:
    from PIL import Image as Pillow

    with warnings.catch_warnings():
        # Pillow only warns where our own bound, checked before anything is decoded, refuses.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        try:
            with Pillow.open(path, formats=("PNG", "JPEG")) as picture:
                _check_size(picture.height, picture.width, 1)
                pixels = _decode(picture)
        except Pillow.DecompressionBombError:
            raise UnreadableImage(f"The image claims more than {PIXELS_LIMIT} pixels, which are the most.") from None
    if pixels.dtype == np.int32:
        pixels = pixels.clip(0, 65535).astype(np.uint16)
    return _as_image(pixels, is_color=pixels.ndim == 3 and pixels.shape[2] >= 3)


def _decode(picture: Any) -> NDArray[Any]:
    """The pixels of a Pillow picture: palettes and other color spaces as RGB, without transparency."""
    mode = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}.get(
        picture.mode
    )
    return np.asarray(picture.convert(mode) if mode else picture)


def _read_tiff(path: Path, page: int) -> Image:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        shape = dict(zip(series.axes, series.shape, strict=True))
        height, width = shape.get("Y", 0), shape.get("X", 0)
        pages = int(np.prod(series.shape)) // max(1, height * width)
        _check_size(height, width, pages)
        if series.dtype not in (np.uint8, np.uint16, np.bool_):
            raise UnreadableImage(f"Its pixels are of the kind {series.dtype}; use 8 or 16 bits per channel.")
        pixels = series.asarray()
        size = _pixel_size_um(tiff)
    axes = series.axes
    is_color = "S" in axes and shape["S"] >= 3
    channel = "S" if is_color else "C" if "C" in axes else None
    for axis in [axis for axis in axes if axis not in ("Y", "X", channel)]:
        pixels, axes, channel = _fold_axis(pixels, axes, axis, channel, page)
    order = [axes.index("Y"), axes.index("X"), *([axes.index(channel)] if channel else [])]
    return _as_image(np.transpose(pixels, order), is_color=is_color, pixel_size_um=size)


def _fold_axis(
    pixels: NDArray[Any], axes: str, axis: str, channel: str | None, page: int
) -> tuple[NDArray[Any], str, str | None]:
    """Drop an axis: as the channels, when there are none and it is short, else by taking one page of it."""
    length = pixels.shape[axes.index(axis)]
    if channel is None and 1 < length <= 4:
        return pixels, axes, axis
    if page >= length > 1:
        raise UnreadableImage(f"The image has {length} pages; there is no page {page}.")
    taken = np.take(pixels, min(page, length - 1), axis=axes.index(axis))
    return taken, axes.replace(axis, "", 1), channel


def _as_image(pixels: NDArray[Any], *, is_color: bool, pixel_size_um: float | None = None) -> Image:
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if is_color:
        # A fourth sample is transparency.
        pixels = pixels[:, :, :3]
    if pixels.shape[2] > CHANNELS_LIMIT:
        raise UnreadableImage(f"The image has {pixels.shape[2]} channels; {CHANNELS_LIMIT} are the most.")
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"Its pixels are of the kind {pixels.dtype}; use 8 or 16 bits per channel.")
    return Image(np.ascontiguousarray(pixels), is_color, pixel_size_um)


def _check_size(height: int, width: int, pages: int) -> None:
    if height < 1 or width < 1:
        raise UnreadableImage("The image has no pixels.")
    if height * width * pages > PIXELS_LIMIT:
        raise UnreadableImage(
            f"The image claims {height} × {width} pixels on {pages} pages; {PIXELS_LIMIT} in all are the most."
        )


def _pixel_size_um(tiff: Any) -> float | None:
    """The edge of a pixel from ImageJ or OME metadata, where it is in micrometres."""
    if tiff.is_imagej and str(tiff.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ") in ("um", "µm", "micron"):
        tag = tiff.pages[0].tags.get("XResolution")
        if tag is not None and tag.value[0]:
            return float(tag.value[1] / tag.value[0])
    if tiff.is_ome:
        import re

        found = re.search(r'PhysicalSizeX="([0-9.eE+-]+)"', tiff.ome_metadata or "")
        unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', tiff.ome_metadata or "")
        if found and (unit is None or unit.group(1) in ("µm", "um")):
            return float(found.group(1)) or None
    return None
