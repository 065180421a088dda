"""One picture, saved with white as zero, by a color map and with one bit: the same light, and the same objects."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from jobengine.runtime.harness import run_step
from workers.image import measure, segment
from workers.image.reading import UnreadableImage, read_image

PICTURE = Path(__file__).parents[3] / "examples" / "nuclei" / "c0c4a829c8d3.png"
OBJECTS = 16

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.integers(0, 256, (20, 30)).astype(np.uint8)
# Every entry is another color, and no channel rises with the number of its entry: an index says nothing of the light.
COLORS = np.stack([RANDOM.permutation(256) for _ in range(3)]).astype(np.uint16)

Save = Callable[[Path, np.ndarray], None]


def light() -> np.ndarray:
    """The picture as the plain PNG has it."""
    return read_image(PICTURE).pixels[:, :, 0]


def shuffled(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture of 8 bits as indices of a grey color map in disorder, and the map as (3, 256)."""
    order = np.random.default_rng(1).permutation(256)
    return np.argsort(order)[pixels].astype(np.uint8), np.tile(order, (3, 1))


def save_black_zero(path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack")


def save_white_zero(path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(path, 255 - pixels, photometric="miniswhite", compression="zlib")


def save_white_zero_of_16_bits(path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(path, 65_535 - pixels.astype(np.uint16) * 257, photometric="miniswhite")


def save_color_map(path: Path, pixels: np.ndarray) -> None:
    indices, colors = shuffled(pixels)
    tifffile.imwrite(path, indices, photometric="palette", colormap=(colors * 257).astype(np.uint16))


def save_rgb(path: Path, pixels: np.ndarray) -> None:
    tifffile.imwrite(path, np.repeat(pixels[:, :, None], 3, axis=2), photometric="rgb")


def save_palette_png(path: Path, pixels: np.ndarray) -> None:
    indices, colors = shuffled(pixels)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(colors.T.astype(np.uint8).tobytes())
    picture.save(path, "PNG")


SAVES = [save_white_zero, save_white_zero_of_16_bits, save_color_map, save_rgb, save_palette_png]


def objects(path: Path, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of the objects of an image."""
    found = run_step(segment, [path], parameters)
    rows: list[dict[str, Any]] = json.loads(run_step(measure, [path], {}, [found]).artifacts["objects.json"])
    return rows


@pytest.mark.parametrize("polarity", ["auto", "bright"])
@pytest.mark.parametrize("save", SAVES)
def test_a_picture_has_the_same_objects_however_it_was_saved(tmp_path: Path, save: Save, polarity: str) -> None:
    plain, other = tmp_path / "plain.tif", tmp_path / ("other.png" if save is save_palette_png else "other.tif")
    save_black_zero(plain, light())
    save(other, light())
    expected, rows = objects(plain, polarity=polarity), objects(other, polarity=polarity)
    assert len(rows) == len(expected) == OBJECTS
    scale = 257 if save is save_white_zero_of_16_bits else 1
    for row, known in zip(rows, expected, strict=True):
        assert row["area_px2"] == known["area_px2"]
        assert row["channel0_mean"] == pytest.approx(known["channel0_mean"] * scale)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, pixels, **options)
    return target.getvalue()


def pillow_tiff(picture: Image.Image, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, "TIFF", **options)
    return target.getvalue()


def pixels_of(folder: Path, data: bytes, page: int | None = None) -> np.ndarray:
    path = folder / "image.tif"
    path.write_bytes(data)
    return read_image(path, page).pixels


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_where_white_is_zero_light_is_still_high(tmp_path: Path, dtype: type, white: int) -> None:
    pixels = pixels_of(tmp_path, tiff(NOISE.astype(dtype), photometric="miniswhite"))
    assert pixels.dtype == dtype
    assert np.array_equal(pixels[:, :, 0], white - NOISE.astype(dtype))


def test_white_as_zero_of_four_bits_is_counted_from_fifteen(tmp_path: Path) -> None:
    pixels = pixels_of(tmp_path, tiff(NOISE % 16, photometric="miniswhite", bitspersample=4))
    assert np.array_equal(pixels[:, :, 0], 15 - NOISE % 16)


def test_transparency_stays_out_where_white_is_zero(tmp_path: Path) -> None:
    both = np.stack([NOISE, np.full_like(NOISE, 7)], axis=2)
    data = tiff(both, photometric="miniswhite", planarconfig="contig", extrasamples=["unassalpha"])
    assert np.array_equal(pixels_of(tmp_path, data), 255 - NOISE[:, :, None])


def test_few_pages_with_white_as_zero_are_channels_with_light_high(tmp_path: Path) -> None:
    data = tiff(np.stack([NOISE, NOISE // 2]), photometric="miniswhite")
    assert np.array_equal(pixels_of(tmp_path, data), 255 - np.stack([NOISE, NOISE // 2], axis=2))
    assert np.array_equal(pixels_of(tmp_path, data, 1), 255 - NOISE[:, :, None] // 2)


@pytest.mark.parametrize("factor", [1, 256, 257], ids=["0-to-255", "high-bytes", "0-to-65535"])
def test_a_color_map_of_8_bits_gives_its_colors_in_8_bits_however_it_was_written(tmp_path: Path, factor: int) -> None:
    pixels = pixels_of(tmp_path, tiff(NOISE, photometric="palette", colormap=COLORS * factor))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, COLORS[:, NOISE].transpose(1, 2, 0))


def test_a_color_map_of_16_bits_keeps_all_of_them(tmp_path: Path) -> None:
    colors = RANDOM.integers(0, 65_536, (3, 65_536)).astype(np.uint16)
    indices = RANDOM.integers(0, 65_536, (20, 30)).astype(np.uint16)
    pixels = pixels_of(tmp_path, tiff(indices, photometric="palette", colormap=colors))
    assert np.array_equal(pixels, colors[:, indices].transpose(1, 2, 0))


@pytest.mark.parametrize("page", [0, 1])
def test_each_page_has_the_colors_of_its_own_map(tmp_path: Path, page: int) -> None:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        for colors in (COLORS, COLORS[::-1]):
            writer.write(NOISE, photometric="palette", colormap=colors, metadata=None)
    pixels = pixels_of(tmp_path, target.getvalue(), page)
    assert np.array_equal(pixels, (COLORS, COLORS[::-1])[page][:, NOISE].transpose(1, 2, 0))


def test_pages_with_a_color_map_are_pages_and_not_channels(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.stack([NOISE, NOISE // 2]), photometric="palette", colormap=COLORS)
    image = read_image(path)
    assert (image.pages, image.page, image.pixels.shape) == (2, 0, (20, 30, 3))


def test_imagej_channels_with_a_color_map_are_colors_as_well(tmp_path: Path) -> None:
    stack = np.stack([NOISE, NOISE // 2])
    pixels = pixels_of(tmp_path, tiff(stack, imagej=True, colormap=COLORS * 257, metadata={"axes": "CYX"}))
    assert np.array_equal(pixels, COLORS[:, stack].transpose(2, 3, 1, 0).reshape(20, 30, 6))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_png_has_the_colors_of_its_palette(tmp_path: Path, bits: int) -> None:
    indices = NOISE >> (8 - bits)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(COLORS[:, : 2**bits].T.astype(np.uint8).tobytes())
    path = tmp_path / "image.png"
    picture.save(path, "PNG", bits=bits)
    assert np.array_equal(read_image(path).pixels, COLORS[:, indices].transpose(1, 2, 0))


@pytest.mark.parametrize("compression", [None, "packbits", "group3", "group4"])
def test_one_bit_is_black_or_white_however_it_was_packed(tmp_path: Path, compression: str | None) -> None:
    pixels = pixels_of(tmp_path, pillow_tiff(Image.fromarray(NOISE > 128), compression=compression))
    assert np.array_equal(pixels[:, :, 0], np.where(NOISE > 128, 255, 0))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_objects_of_one_bit_are_found_and_measured(tmp_path: Path, photometric: str) -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:20, 10:20] = mask[30:50, 30:50] = True
    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, mask != (photometric == "miniswhite"), photometric=photometric)
    rows = objects(path, polarity="bright", sigma=0.0, method="otsu")
    assert [row["channel0_mean"] for row in rows] == [255.0, 255.0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            tiff(np.zeros((20, 30, 4), np.uint8), photometric="separated"),
            "colors of the image are CMYK; save it as RGB",
        ),
        (pillow_tiff(Image.new("LAB", (30, 20))), r"colors of the image are L\*a\*b\*; save it as RGB"),
        (pillow_tiff(Image.new("YCbCr", (30, 20)), compression="tiff_lzw"), "are YCbCr; save it as RGB"),
        (tiff(NOISE, photometric="cfa"), "are those of a camera's raw data; save it as RGB"),
        (tiff(NOISE.astype(np.float32) / 255), "are 32-bit floating-point numbers; save it with 8 or 16 bits"),
        (tiff(NOISE / 255, photometric="miniswhite"), "are 64-bit floating-point numbers; save it with 8 or 16 bits"),
    ],
    ids=["cmyk", "lab", "ycbcr", "raw", "float32", "float64"],
)
def test_numbers_that_are_no_light_get_a_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence):
        pixels_of(tmp_path, data)


def test_a_jpeg_within_a_tiff_is_read_as_rgb(tmp_path: Path) -> None:
    pixels = pixels_of(tmp_path, pillow_tiff(Image.new("YCbCr", (32, 32), (128, 90, 200)), compression="jpeg"))
    expected = np.asarray(Image.new("YCbCr", (32, 32), (128, 90, 200)).convert("RGB"))
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 3


def test_a_color_map_that_is_too_short_is_refused(tmp_path: Path) -> None:
    data = bytearray(tiff(NOISE, photometric="palette", colormap=COLORS))
    # The tag of the color map (320, short, 768 numbers) says that there are but 30.
    place = data.index(b"\x40\x01\x03\x00\x00\x03\x00\x00")
    data[place + 4 : place + 8] = (30).to_bytes(4, "little")
    with pytest.raises(UnreadableImage, match="color map of the image is too short, or not there"):
        pixels_of(tmp_path, bytes(data))
