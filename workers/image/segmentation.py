"""Finding objects: pure functions from arrays to label images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def to_intensity(pixels: Array, channel: int | None = None) -> Array:
    """One intensity per pixel, float64 from 0 to 1 of the range of the type.

    ``pixels`` is (height, width, channels). A channel is taken as it is; without one, the mean of all is.
    """
    scale = float(np.iinfo(pixels.dtype).max)
    plane = pixels[:, :, channel] if channel is not None else pixels.mean(axis=2)
    return np.asarray(plane, dtype=np.float64) / scale


def make_bright(intensity: Array, polarity: str) -> Array:
    """Turn dark objects on a bright ground around; ``auto`` looks on which side of the middle most pixels lie."""
    if polarity == "dark" or (polarity == "auto" and _is_ground_bright(intensity)):
        return np.asarray(intensity.max() - intensity)
    return intensity


def flatten_background(intensity: Array, radius: float) -> Array:
    """Subtract the slowly varying ground: the smoothed lower envelope over ``radius`` pixels; 0 does nothing.

    The envelope is a grey opening (Sternberg, Computer 16:22, 1983, with a flat element), smoothed against its edges.
    """
    if radius <= 0:
        return intensity
    from scipy import ndimage

    size = 2 * int(radius) + 1
    ground = ndimage.gaussian_filter(ndimage.grey_opening(intensity, size=(size, size)), radius / 2)
    return np.asarray(np.clip(intensity - ground, 0.0, None))


def find_threshold(intensity: Array, method: str, window: int) -> Array | float:
    """The threshold of each pixel, or one for all.

    Otsu (IEEE Trans. Syst. Man Cybern. 9:62, 1979), Li (Pattern Recognition 26:617, 1993), the triangle (Zack, J.
    Histochem. Cytochem. 25:741, 1977), or the Gaussian mean of a window of ``window`` pixels
    (``local``). ``combined`` asks for nearly as much as both Otsu and the window.
    """
    from skimage import filters

    if intensity.max() <= intensity.min():
        return float("inf")
    if method == "local":
        return np.asarray(filters.threshold_local(intensity, window | 1, method="gaussian"))
    if method == "combined":
        local = filters.threshold_local(intensity, window | 1, method="gaussian")
        return np.asarray(np.maximum(0.95 * local, 0.6 * filters.threshold_otsu(intensity)))
    chosen: dict[str, Callable[[Array], Any]] = {
        "otsu": filters.threshold_otsu,
        "li": filters.threshold_li,
        "triangle": filters.threshold_triangle,
    }
    return float(chosen[method](intensity))


def split_touching(mask: Array, smoothing: float, depth: float) -> Array:
    """Labels of a mask, with touching objects cut along the valleys of their distance to the ground.

    A watershed from the maxima of the smoothed distance that rise ``depth`` pixels above their surroundings (Vincent
    and Soille, IEEE Trans. Pattern Anal. 13:583, 1991; Soille, Morphological Image Analysis, section 6.3.3).
    """
    from scipy import ndimage
    from skimage import measure, morphology, segmentation

    distance = ndimage.distance_transform_edt(mask)
    smooth = ndimage.gaussian_filter(distance, smoothing)
    maxima = morphology.h_maxima(smooth, depth) if mask.any() else mask
    seeds = measure.label(np.logical_and(maxima, mask), connectivity=2)
    # A part of the mask that is too flat for a maximum of that depth is one object all the same.
    parts = measure.label(mask, connectivity=1)
    unseeded = np.setdiff1d(np.arange(1, parts.max() + 1), np.unique(parts[seeds > 0]))
    rest = np.isin(parts, unseeded)
    seeds[rest] = parts[rest] + seeds.max()
    return np.asarray(segmentation.watershed(-smooth, seeds, mask=mask))


def segment(
    intensity: Array,
    *,
    sigma: float = 0.7,
    background_radius: float = 0.0,
    method: str = "combined",
    window: int = 45,
    split_smoothing: float = 1.0,
    split_depth: float = 0.5,
    min_area: int = 25,
    fill_holes: bool = True,
    clear_border: bool = False,
) -> Array:
    """Label the bright objects of an image: int32, 0 for the ground, 1 to n in reading order.

    ``intensity`` is (height, width), objects brighter than the ground. Lengths are in pixels, areas in square pixels.
    The same input always gives the same labels.
    """
    from scipy import ndimage
    from skimage import morphology, segmentation

    smooth = ndimage.gaussian_filter(flatten_background(intensity, background_radius), sigma)
    mask = smooth > find_threshold(smooth, method, window)
    if fill_holes:
        mask = ndimage.binary_fill_holes(mask)
    mask = morphology.opening(mask, morphology.disk(1))
    labels = split_touching(mask, split_smoothing, split_depth)
    if clear_border:
        labels = segmentation.clear_border(labels)
    sizes = np.bincount(labels.ravel())
    labels[sizes[labels] < min_area] = 0
    return np.asarray(segmentation.relabel_sequential(labels)[0], dtype=np.int32)


def outline(pixels: Array, labels: Array) -> Array:
    """The image in 8-bit RGB with the edges of its objects in yellow."""
    from skimage import segmentation

    low, high = np.percentile(pixels, (0.5, 99.5))
    stretched = np.clip((pixels.astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)
    color = stretched[:, :, :3] if stretched.shape[2] >= 3 else np.repeat(stretched[:, :, :1], 3, axis=2)
    edges = segmentation.find_boundaries(labels, mode="inner")
    color[edges] = (1.0, 0.85, 0.0)
    return np.asarray((color * 255).round(), dtype=np.uint8)


def _is_ground_bright(intensity: Array) -> bool:
    low, high = np.percentile(intensity, (1, 99))
    return bool(np.median(intensity) > (low + high) / 2)
