"""The image steps: a few lines each around the functions beside them. Heavy libraries load when a step runs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobengine.runtime import Context, InputFile, Predecessor, Reject, step
from workers.image.parameters import MeasureParameters, SegmentParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.image.pixels import Image

ACCEPTS = ("image/png", "image/jpeg", "image/tiff")
LABELS, OVERLAY, OBJECTS = "labels.tif", "overlay.png", "objects.json"


@step(
    "image.segment",
    version="1.2",
    scope="file",
    result_kind="segmentation",
    parameters=SegmentParameters,
    accepts=ACCEPTS,
    title="Find objects",
    description="Smoothing, background, threshold, and splitting of touching objects.",
    time_limit_seconds=600.0,
    memory_limit_bytes=8 * 1024**3,
)
def segment(context: Context) -> dict[str, Any]:
    """Label the objects of one image; saves a 16-bit label image and a picture with outlines.

    The result says how many ``pages`` the file has and which ``page`` was read, null where all are the channels.
    """
    from workers.image.pixels import counted
    from workers.image.segmentation import make_bright, outline, to_intensity
    from workers.image.segmentation import segment as find_objects

    options = dict(context.parameters)
    image = _read(context.file, options.pop("page"))
    channel = options.pop("channel")
    channels = image.pixels.shape[2]
    if channel is not None and channel >= channels:
        has = f"has {counted(channels, 'channel')}, counted from 0"
        raise Reject(f"{context.file.name!r} {has}; there is no channel {channel}.")
    bright = make_bright(to_intensity(image.pixels, channel), options.pop("polarity"))
    labels = find_objects(bright, **options)
    context.progress(0.8, "objects found")
    count = int(labels.max())
    if count > 65_535:
        raise Reject(f"{count} objects were found, which looks like noise; raise the smoothing or the smallest area.")
    context.save_artifact(LABELS, _as_tiff(labels), "image/tiff")
    context.save_artifact(OVERLAY, _as_png(outline(image.pixels, labels)), "image/png")
    return {
        "objects": count,
        "height_px": int(labels.shape[0]),
        "width_px": int(labels.shape[1]),
        "channels": channels,
        "pixel_size_um": image.pixel_size_um,
        "pages": image.pages,
        "page": image.page,
    }


@step(
    "image.measure",
    version="1.2",
    scope="file",
    result_kind="objects",
    parameters=MeasureParameters,
    accepts=ACCEPTS,
    title="Measure objects",
    description="Shape and intensity of every object.",
    time_limit_seconds=600.0,
    memory_limit_bytes=8 * 1024**3,
)
def measure(context: Context) -> dict[str, Any]:
    """One row per object of one image."""
    from workers.image.measurement import measure as measure_objects

    (before,) = context.predecessors
    image = _read(context.file, before.result["page"])
    size = context.parameters["pixel_size_um"] or image.pixel_size_um
    rows = measure_objects(_read_labels(before), image.pixels, size)
    context.save_artifact(OBJECTS, json.dumps(rows).encode(), "application/json")
    areas = [row["area_px2"] for row in rows]
    mean = sum(areas) / len(areas) if areas else None
    return {"objects": len(rows), "mean_area_px2": mean, "pixel_size_um": size}


@step(
    "image.tables",
    version="1.0",
    scope="job",
    result_kind="tables",
    title="Tables",
    description="All objects in one CSV, aggregates per file and in total in another.",
)
def tables(context: Context) -> dict[str, Any]:
    """The two tables of a job, over the files that were measured."""
    from workers.image.tables import aggregate, write_csv

    everything: list[dict[str, Any]] = []
    summaries = []
    for before in context.predecessors:
        file = _file_of(before)
        rows = _rows_of(before)
        summaries.append(aggregate(file.id, file.name, rows))
        everything += [{"file_id": file.id, "file_name": file.name, **row} for row in rows]
    total = aggregate("", "total", everything)
    names = ("file_id", "file_name")
    context.save_artifact("objects.csv", write_csv(everything, (*names, "label")), "text/csv")
    context.save_artifact("aggregates.csv", write_csv([*summaries, total], (*names, "objects")), "text/csv")
    return {"files": len(summaries), "objects": len(everything)}


@step(
    "image.masks",
    version="1.0",
    scope="job",
    result_kind="masks",
    title="Masks",
    description="A ZIP with a 16-bit label image and the objects of every file of an earlier job.",
)
def masks(context: Context) -> dict[str, Any]:
    """Pack labels and objects of the parent job."""
    place = context.folder / "masks.zip"
    files = set()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for before in context.predecessors:
            file = _file_of(before)
            files.add(file.id)
            wanted = (LABELS, OBJECTS)
            for artifact in (artifact for artifact in before.artifacts if artifact.name in wanted):
                archive.write(artifact.path(), f"{file.id}-{_plain(file.name)}/{artifact.name}")
    context.save_artifact("masks.zip", place, "application/zip")
    return {"files": len(files)}


def _read(file: InputFile, page: int | None) -> Image:
    from workers.image.reading import UnreadableImage, read_image

    try:
        return read_image(file.path(), page)
    except UnreadableImage as error:
        raise Reject(f"{file.name!r} cannot be analysed. {error}") from None


def _read_labels(before: Predecessor) -> NDArray[Any]:
    import tifffile

    with before.artifact(LABELS).open() as stream:
        return tifffile.imread(io.BytesIO(stream.read()))


def _rows_of(before: Predecessor) -> list[Mapping[str, Any]]:
    with before.artifact(OBJECTS).open() as stream:
        rows: list[Mapping[str, Any]] = json.load(stream)
    return rows


def _file_of(before: Predecessor) -> InputFile:
    if before.file is None:
        raise ValueError(f"a result of {before.step} belongs to no file")
    return before.file


def _plain(name: str) -> str:
    """A name that is safe inside of an archive."""
    kept: Iterable[str] = (char if char.isalnum() or char in "._- " else "_" for char in Path(name).name)
    return "".join(kept).lstrip(".") or "file"


def _as_tiff(labels: NDArray[Any]) -> bytes:
    import numpy as np
    import tifffile

    target = io.BytesIO()
    tifffile.imwrite(target, labels.astype(np.uint16), compression="zlib", metadata=None)
    return target.getvalue()


def _as_png(pixels: NDArray[Any]) -> bytes:
    from PIL import Image as Pillow

    target = io.BytesIO()
    Pillow.fromarray(pixels).save(target, "PNG")
    return target.getvalue()
