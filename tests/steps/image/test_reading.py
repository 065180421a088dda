"""Every kind of image that is taken, and a sentence for every file that is not one."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from workers.image.reading import UnreadableImage, read_image

RANDOM = np.random.default_rng(0)


def picture(kind: str, mode: str, size: tuple[int, int] = (20, 30)) -> bytes:
    """An image as Pillow writes it."""
    target = io.BytesIO()
    Image.new(mode, size[::-1], 1 if mode in ("1", "P") else None).save(target, kind)
    return target.getvalue()


def tiff(shape: tuple[int, ...], dtype: type = np.uint8, **options: object) -> bytes:
    """A TIFF of noise."""
    target = io.BytesIO()
    tifffile.imwrite(target, RANDOM.integers(0, 200, shape).astype(dtype), **options)
    return target.getvalue()


def write(folder: Path, data: bytes) -> Path:
    """A file with these bytes."""
    path = folder / "image"
    path.write_bytes(data)
    return path


def brief(value: object) -> str | None:
    """The name of a parameter: bytes by their number."""
    return f"{len(value)}-bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    ("data", "channels", "dtype"),
    [
        (picture("PNG", "L"), 1, np.uint8),
        (picture("PNG", "RGB"), 3, np.uint8),
        (picture("PNG", "RGBA"), 3, np.uint8),
        (picture("PNG", "LA"), 1, np.uint8),
        (picture("PNG", "P"), 3, np.uint8),
        (picture("PNG", "1"), 1, np.uint8),
        (picture("PNG", "I;16"), 1, np.uint16),
        (picture("JPEG", "L"), 1, np.uint8),
        (picture("JPEG", "RGB"), 3, np.uint8),
        (picture("JPEG", "CMYK"), 3, np.uint8),
        (tiff((20, 30)), 1, np.uint8),
        (tiff((20, 30), np.uint16), 1, np.uint16),
        (tiff((20, 30, 3), photometric="rgb"), 3, np.uint8),
        (tiff((2, 20, 30), np.uint16, imagej=True, metadata={"axes": "CYX"}), 2, np.uint16),
        (tiff((9, 20, 30), metadata={"axes": "ZYX"}), 1, np.uint8),
        (tiff((20, 30), compression="zlib"), 1, np.uint8),
    ],
    ids=brief,
)
def test_images_of_all_kinds_are_read(tmp_path: Path, data: bytes, channels: int, dtype: type) -> None:
    image = read_image(write(tmp_path, data))
    assert image.pixels.shape == (20, 30, channels)
    assert image.pixels.dtype == dtype


def test_a_page_of_many_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, tiff((9, 20, 30)))
    assert np.array_equal(read_image(path, 4).pixels[:, :, 0], tifffile.imread(path)[4])
    with pytest.raises(UnreadableImage, match="9 pages; there is no page 9"):
        read_image(path, 9)


def test_the_size_of_a_pixel_is_read(tmp_path: Path) -> None:
    imagej = tiff((20, 30), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    assert read_image(write(tmp_path, imagej)).pixel_size_um == pytest.approx(0.25)
    ome = tiff((20, 30), ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "µm"})
    assert read_image(write(tmp_path, ome)).pixel_size_um == pytest.approx(0.325)
    assert read_image(write(tmp_path, tiff((20, 30)))).pixel_size_um is None


def huge_png() -> bytes:
    """A PNG whose header claims a billion pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 32_000, 32_000, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04 a spreadsheet", "not a PNG, JPEG or TIFF"),
        (b"\x89PNG\r\n\x1a\n", "damaged or was cut off"),
        (picture("PNG", "RGB", (400, 400))[:-300], "damaged or was cut off"),
        (picture("JPEG", "RGB")[:150], "damaged or was cut off"),
        (tiff((200, 200))[:500], "damaged or was cut off"),
        (huge_png(), "claims more than 100000000 pixels"),
        (tiff((20, 30), np.float32), "use 8 or 16 bits"),
        (tiff((40, 20, 30), metadata={"axes": "CYX"}, photometric="minisblack"), "40 channels"),
    ],
    ids=brief,
)
def test_what_is_no_usable_image_gets_a_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence):
        read_image(write(tmp_path, data))


def sentence_or_shape(path: Path) -> str:
    """The sentence of the refusal, or the shape of the image."""
    try:
        return str(read_image(path).pixels.shape)
    except UnreadableImage as refusal:
        return str(refusal)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    source = bytearray(data.draw(st.sampled_from([picture("PNG", "L"), picture("JPEG", "RGB"), tiff((20, 30))])))
    for _ in range(data.draw(st.integers(1, 6))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    assert sentence_or_shape(write(tmp_path, bytes(source)))
