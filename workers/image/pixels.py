"""What an image is once it is read, and what is refused: bounds first, one sentence for each refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXELS_LIMIT = 100_000_000
"""Height times width of the largest image that is decoded, times its pages and the channels kept as planes."""

CHANNELS_LIMIT = 16

_NUMBERS = {"f": "{}-bit floating-point numbers", "i": "signed {}-bit whole numbers", "u": "{}-bit whole numbers"}


class UnreadableImage(Exception):
    """The file cannot be used as an image; the message is for the person who uploaded it."""


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels as (height, width, channels), uint8 or uint16; ``pixel_size_um`` is an edge in micrometres, if known.

    High values are light, whatever the file calls white; they are never the numbers of a color map.
    ``pages`` is how many the file has, ``page`` which of them was read: None where all of them are the channels.
    """

    pixels: NDArray[Any]
    pages: int = 1
    page: int | None = 0
    pixel_size_um: float | None = None


def as_channels(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels of (height, width) or (height, width, channels) as the steps take them; raises UnreadableImage."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    channels = pixels.shape[2]
    if channels > CHANNELS_LIMIT:
        raise UnreadableImage(f"The image has {channels} channels; {CHANNELS_LIMIT} are the most. Leave some out.")
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    return np.ascontiguousarray(pixels)


def check_numbers(dtype: np.dtype[Any]) -> None:
    """Refuse pixels that are not whole numbers of 8 or 16 bits."""
    if dtype in (np.uint8, np.uint16, np.bool_):
        return
    numbers = _NUMBERS.get(dtype.kind, "no plain numbers").format(8 * dtype.itemsize)
    raise UnreadableImage(f"The pixels of the image are {numbers}; save it with 8 or 16 bits per channel.")


def check_size(height: int, width: int, planes: int = 1) -> None:
    """Refuse an image that is empty, or too large to be decoded."""
    if height < 1 or width < 1:
        raise UnreadableImage("The image has no pixels.")
    if height * width * planes > PIXELS_LIMIT:
        stack = f" on {planes:,} planes" if planes > 1 else ""
        raise UnreadableImage(
            f"The image claims {height:,} × {width:,} pixels{stack}; {PIXELS_LIMIT:,} are the most. "
            "Cut it into smaller images, or scale it down."
        )


def check_page(page: int | None, pages: int) -> None:
    """Refuse a page that was asked for and is not there."""
    if page is not None and page >= pages:
        raise UnreadableImage(f"The image has {counted(pages, 'page')}, counted from 0; there is no page {page}.")


def counted(number: int, noun: str) -> str:
    """A number with its noun, as it is said: 1 page, 2 pages."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
