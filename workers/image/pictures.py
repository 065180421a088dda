"""PNG and JPEG: one page, 8 bits, or 16 in a PNG."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workers.image.pixels import Image, as_channels, check_page, check_size

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

_IHDR = struct.Struct(">8x4x4xIIBB")
_GREY, _GREY_AND_ALPHA = 0, 4


def read_png(path: Path, page: int | None) -> Image:
    """Read a PNG without its transparency; one of 16 bits keeps all of them."""
    from PIL.PngImagePlugin import PngImageFile

    with path.open("rb") as stream:
        height, width, bits, color = _read_header(stream)
        check_size(height, width)
        check_page(page, 1)
        if bits == 16:
            return Image(as_channels(_decode_16_bits(stream.read(), color)))
        return Image(as_channels(_decode(PngImageFile(stream))))


def read_jpeg(path: Path, page: int | None) -> Image:
    """Read a JPEG."""
    from PIL.JpegImagePlugin import JpegImageFile

    # The class of the format, and not Pillow's open: that one has a bound of its own, which cannot say the size.
    with path.open("rb") as stream, JpegImageFile(stream) as picture:
        check_size(picture.height, picture.width)
        check_page(page, 1)
        return Image(as_channels(_decode(picture)))


def _read_header(stream: BinaryIO) -> tuple[int, int, int, int]:
    """Height, width, bits per sample and color type; the stream stands at its beginning again."""
    width, height, bits, color = _IHDR.unpack(stream.read(_IHDR.size))
    stream.seek(0)
    return height, width, bits, color


def _decode_16_bits(data: bytes, color: int) -> NDArray[Any]:
    # Pillow keeps only the upper eight bits of a PNG with more than one channel.
    from imagecodecs import png_decode

    pixels = np.asarray(png_decode(data))
    if pixels.ndim == 2:
        return pixels
    return pixels[:, :, : 1 if color in (_GREY, _GREY_AND_ALPHA) else 3]


def _decode(picture: Any) -> NDArray[Any]:
    """The pixels of a Pillow picture: palettes and other color spaces as RGB, without transparency."""
    mode = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}.get(
        picture.mode
    )
    return np.asarray(picture.convert(mode) if mode else picture)
