"""Every kind of image that is taken, and a sentence for every file that is not one."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
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


def deep_png(*shape: int) -> bytes:
    """A PNG of 16 bits per sample, whose values need all of them."""
    return bytes(imagecodecs.png_encode(RANDOM.integers(0, 65_536, shape).astype(np.uint16)))


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
        (deep_png(20, 30), 1, np.uint16),
        (deep_png(20, 30, 2), 1, np.uint16),
        (deep_png(20, 30, 3), 3, np.uint16),
        (deep_png(20, 30, 4), 3, np.uint16),
        (picture("JPEG", "L"), 1, np.uint8),
        (picture("JPEG", "RGB"), 3, np.uint8),
        (picture("JPEG", "CMYK"), 3, np.uint8),
        (tiff((20, 30)), 1, np.uint8),
        (tiff((20, 30), np.uint16), 1, np.uint16),
        (tiff((20, 30, 3), photometric="rgb"), 3, np.uint8),
        (tiff((2, 20, 30), np.uint16, imagej=True, metadata={"axes": "CYX"}), 2, np.uint16),
        (tiff((9, 20, 30), metadata={"axes": "ZYX"}), 1, np.uint8),
        (tiff((20, 30, 2), photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]), 1, np.uint8),
        (tiff((20, 30, 5), photometric="minisblack", planarconfig="contig"), 5, np.uint8),
        (tiff((20, 30), compression="zlib"), 1, np.uint8),
    ],
    ids=brief,
)
def test_images_of_all_kinds_are_read(tmp_path: Path, data: bytes, channels: int, dtype: type) -> None:
    image = read_image(write(tmp_path, data))
    assert image.pixels.shape == (20, 30, channels)
    assert image.pixels.dtype == dtype


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bits_keeps_every_bit(tmp_path: Path, channels: int) -> None:
    pixels = RANDOM.integers(0, 65_536, (20, 30, channels)).astype(np.uint16)
    image = read_image(write(tmp_path, imagecodecs.png_encode(np.squeeze(pixels))))
    assert np.array_equal(image.pixels, pixels[:, :, : 1 if channels < 3 else 3])


def test_a_page_of_many_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, tiff((9, 20, 30)))
    image = read_image(path, 4)
    assert np.array_equal(image.pixels[:, :, 0], tifffile.imread(path)[4])
    assert (image.pages, image.page) == (9, 4)
    assert (read_image(path).pages, read_image(path).page) == (9, 0)


@pytest.mark.parametrize("pages", [2, 3, 4])
def test_few_pages_are_channels_unless_one_of_them_is_asked_for(tmp_path: Path, pages: int) -> None:
    path = write(tmp_path, tiff((pages, 20, 30), photometric="minisblack"))
    together = read_image(path)
    assert (together.pixels.shape, together.pages, together.page) == ((20, 30, pages), pages, None)
    alone = read_image(path, 1)
    assert (alone.pixels.shape, alone.pages, alone.page) == ((20, 30, 1), pages, 1)
    assert np.array_equal(alone.pixels[:, :, 0], tifffile.imread(path)[1])


def test_pages_are_counted_through_all_axes_of_a_stack(tmp_path: Path) -> None:
    path = write(tmp_path, tiff((3, 5, 2, 20, 30), np.uint16, imagej=True, metadata={"axes": "TZCYX"}))
    image = read_image(path, 7)
    assert (image.pages, image.page) == (15, 7)
    assert np.array_equal(image.pixels, np.moveaxis(tifffile.imread(path)[1, 2], 0, -1))


def test_pages_of_different_sizes_are_pages(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    with tifffile.TiffWriter(path) as writer:
        for side in (20, 40):
            writer.write(RANDOM.integers(0, 200, (side, side)).astype(np.uint8), metadata=None)
    first, second = read_image(path), read_image(path, 1)
    assert (first.pixels.shape, first.pages, first.page) == ((20, 20, 1), 2, 0)
    assert (second.pixels.shape, second.pages, second.page) == ((40, 40, 1), 2, 1)


@pytest.mark.parametrize(
    ("data", "page", "sentence"),
    [
        (picture("PNG", "L"), 5, "has 1 page, counted from 0; there is no page 5"),
        (picture("JPEG", "RGB"), 1, "has 1 page, counted from 0; there is no page 1"),
        (deep_png(20, 30, 3), 1, "has 1 page, counted from 0; there is no page 1"),
        (tiff((20, 30)), 1, "has 1 page, counted from 0; there is no page 1"),
        (tiff((3, 20, 30), photometric="minisblack"), 3, "has 3 pages, counted from 0; there is no page 3"),
        (tiff((9, 20, 30)), 9, "has 9 pages, counted from 0; there is no page 9"),
    ],
    ids=brief,
)
def test_a_page_that_is_not_there_is_refused(tmp_path: Path, data: bytes, page: int, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence):
        read_image(write(tmp_path, data), page)


def test_the_size_of_a_pixel_is_read(tmp_path: Path) -> None:
    imagej = tiff((20, 30), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    assert read_image(write(tmp_path, imagej)).pixel_size_um == pytest.approx(0.25)
    ome = tiff((20, 30), ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "µm"})
    assert read_image(write(tmp_path, ome)).pixel_size_um == pytest.approx(0.325)
    assert read_image(write(tmp_path, tiff((20, 30)))).pixel_size_um is None


def huge_png(bits: int) -> bytes:
    """A PNG whose header claims a billion pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 32_000, 32_000, bits, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def huge_jpeg() -> bytes:
    """A JPEG whose header claims four billion pixels."""
    data = picture("JPEG", "L")
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", 65_000, 65_000) + data[place + 4 :]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04 a spreadsheet", "not a PNG, JPEG or TIFF"),
        (b"\x89PNG\r\n\x1a\n", "damaged or was cut off"),
        (picture("PNG", "RGB", (400, 400))[:-300], "damaged or was cut off"),
        (picture("JPEG", "RGB")[:150], "damaged or was cut off"),
        (tiff((200, 200))[:500], "damaged or was cut off"),
        (deep_png(200, 200, 3)[:-300], "damaged or was cut off"),
        (huge_png(8), "claims 32,000 × 32,000 pixels.* 100,000,000 are the most.* smaller"),
        (huge_png(16), "claims 32,000 × 32,000 pixels.* 100,000,000 are the most.* smaller"),
        (huge_jpeg(), "claims 65,000 × 65,000 pixels.* 100,000,000 are the most.* smaller"),
        (tiff((20, 30), np.float32), "are 32-bit floating-point numbers; save it with 8 or 16 bits"),
        (tiff((20, 30), np.int16), "are signed 16-bit whole numbers; save it with 8 or 16 bits"),
        (tiff((20, 30, 4), photometric="separated"), "CMYK; save it as RGB"),
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
    pngs = [picture("PNG", "L"), deep_png(20, 30, 3)]
    kinds = [*pngs, picture("JPEG", "RGB"), tiff((20, 30)), tiff((3, 20, 30), photometric="minisblack")]
    source = bytearray(data.draw(st.sampled_from(kinds)))
    for _ in range(data.draw(st.integers(1, 6))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    assert sentence_or_shape(write(tmp_path, bytes(source)))
