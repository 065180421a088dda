"""How well labels match a ground truth, by intersection over union (IoU)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def count_matches(labels: NDArray[Any], truth: NDArray[Any], iou: float) -> tuple[int, int, int]:
    """Found objects that match, found objects that do not, true objects that were missed.

    For an IoU of at least 0.5 each object matches at most one other, so no assignment has to be solved.
    """
    joint = np.histogram2d(
        labels.ravel(), truth.ravel(), bins=(np.arange(labels.max() + 2), np.arange(truth.max() + 2))
    )[0]
    found, real = joint.sum(axis=1), joint.sum(axis=0)
    union = found[1:, None] + real[None, 1:] - joint[1:, 1:]
    hits = int((joint[1:, 1:] / np.maximum(union, 1) > iou - 1e-9).sum())
    return hits, int((found[1:] > 0).sum()) - hits, int((real[1:] > 0).sum()) - hits


def f1(hits: int, false: int, missed: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * hits / max(1, 2 * hits + false + missed)
