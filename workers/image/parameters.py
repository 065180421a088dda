"""The parameters of the image steps, with defaults for fluorescent nuclei."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

METHODS = ("otsu", "li", "triangle", "local", "combined")


def _about(sentence: str) -> dict[str, str]:
    return {"description": sentence}


class SegmentParameters(Schema):
    """How objects are found; lengths in pixels."""

    channel = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 15),
        metadata=_about("The channel to look at, counted from 0; null is the mean of all."),
    )
    page = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 10**6),
        metadata=_about(
            "The page of a TIFF, counted from 0; null is the first, or few pages as channels of one image."
        ),
    )
    polarity = fields.String(
        load_default="auto",
        validate=validate.OneOf(("auto", "bright", "dark")),
        metadata=_about("Whether objects are brighter or darker than the ground."),
    )
    sigma = fields.Float(
        load_default=0.7,
        validate=validate.Range(0, 50),
        metadata=_about("Smoothing before the threshold, in pixels (standard deviation of a Gaussian)."),
    )
    background_radius = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, 500),
        metadata=_about("Takes an uneven ground away; larger than an object, in pixels. 0 does nothing."),
    )
    method = fields.String(
        load_default="combined",
        validate=validate.OneOf(METHODS),
        metadata=_about("How the threshold is chosen; local and combined look at the window around each pixel."),
    )
    window = fields.Integer(
        load_default=45,
        validate=validate.Range(3, 2001),
        metadata=_about("The edge of that window, in pixels."),
    )
    split_smoothing = fields.Float(
        load_default=1.0,
        validate=validate.Range(0, 50),
        metadata=_about("Smoothing of shapes before touching objects are split, in pixels; more splits less."),
    )
    split_depth = fields.Float(
        load_default=0.5,
        validate=validate.Range(0.01, 100),
        metadata=_about("How deep a waist two touching objects must have to be split, in pixels; more splits less."),
    )
    min_area = fields.Integer(
        load_default=25,
        validate=validate.Range(1, 10**7),
        metadata=_about("Smaller objects are left out; in square pixels."),
    )
    fill_holes = fields.Boolean(load_default=True, metadata=_about("Take holes for parts of their objects."))
    clear_border = fields.Boolean(load_default=False, metadata=_about("Leave out objects that touch the edge."))


class MeasureParameters(Schema):
    """How objects are measured."""

    pixel_size_um = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 10**4, min_inclusive=False),
        metadata=_about("The edge of a pixel in micrometres; null is what the image says of it."),
    )
