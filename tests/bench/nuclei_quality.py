"""Detection quality of the nuclei pipeline's defaults over a folder of images with label images.

``python -m tests.bench.nuclei_quality [folder]``: pairs ``name.png`` and ``name.labels.png``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench.matching import count_matches, f1
from workers.image.reading import read_image
from workers.image.segmentation import make_bright, segment, to_intensity

IOUS = (0.5, 0.7, 0.9)
DEFAULT = Path("../shared/data/nuclei")


def main(folder: Path) -> None:
    """Print pooled F1 at each IoU, and the time per image."""
    totals = {iou: np.zeros(3, dtype=int) for iou in IOUS}
    paths = sorted(path for path in folder.glob("*.png") if not path.name.endswith(".labels.png"))
    began = time.perf_counter()
    for path in paths:
        labels = segment(make_bright(to_intensity(read_image(path).pixels), "auto"))
        with Image.open(path.with_suffix(".labels.png")) as picture:
            truth = np.asarray(picture).astype(np.int64)
        for iou in IOUS:
            totals[iou] += count_matches(labels, truth, iou)
    seconds = time.perf_counter() - began
    scores = ", ".join(f"F1 at IoU {iou}: {f1(*totals[iou]):.3f}" for iou in IOUS)
    sys.stdout.write(f"{len(paths)} images, {seconds / max(1, len(paths)):.3f} s each; {scores}\n")


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if place.is_dir():
        main(place)
    else:
        sys.stdout.write(f"There is no folder {place} with nuclei images; name one to measure detection quality.\n")
