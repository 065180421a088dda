"""Reading images: the header first, so that nothing is decoded that would not fit; one sentence for each refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.image.pictures import JPEG, PNG, read_jpeg, read_png
from workers.image.pixels import Image, UnreadableImage
from workers.image.tiffs import MAGICS, read_tiff

__all__ = ["Image", "UnreadableImage", "read_image"]


def read_image(path: Path, page: int | None = None) -> Image:
    """Read a PNG, JPEG or TIFF of 1, 8 or 16 bits: high values are light, and color maps are read as RGB.

    ``page`` counts from 0; without it, few pages of one channel are channels, and of all others the first is read.
    Raises UnreadableImage with a sentence for every file that is something else, broken, empty or too large, and for
    a page that is not there.
    """
    with path.open("rb") as stream:
        magic = stream.read(8)
    if not magic:
        raise UnreadableImage("The file is empty.")
    try:
        return _reader_of(magic)(path, page)
    except UnreadableImage:
        raise
    except Exception as error:
        # Decoders raise all kinds of things at broken files; whatever it was, the file is what is wrong.
        raise UnreadableImage("The image is damaged or was cut off while it was written.") from error


def _reader_of(magic: bytes) -> Callable[[Path, int | None], Image]:
    if magic[:4] in MAGICS:
        return read_tiff
    if magic.startswith(PNG):
        return read_png
    if magic.startswith(JPEG):
        return read_jpeg
    raise UnreadableImage("The file is not a PNG, JPEG or TIFF image.")
