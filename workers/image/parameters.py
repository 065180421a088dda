"""The parameters of the image steps, with defaults for fluorescent nuclei."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

METHODS = ("otsu", "li", "triangle", "local", "combined")


class SegmentParameters(Schema):
    """How objects are found; lengths in pixels. Channels and pages count from 0; null is all channels, and the page
    that there is: of many the first, and few pages of one channel as the channels of one image.
    """

    channel = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 15))
    page = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 10**6))
    polarity = fields.String(load_default="auto", validate=validate.OneOf(("auto", "bright", "dark")))
    sigma = fields.Float(load_default=0.7, validate=validate.Range(0, 50))
    background_radius = fields.Float(load_default=0.0, validate=validate.Range(0, 500))
    method = fields.String(load_default="combined", validate=validate.OneOf(METHODS))
    window = fields.Integer(load_default=45, validate=validate.Range(3, 2001))
    split_smoothing = fields.Float(load_default=1.0, validate=validate.Range(0, 50))
    split_depth = fields.Float(load_default=0.5, validate=validate.Range(0.01, 100))
    min_area = fields.Integer(load_default=25, validate=validate.Range(1, 10**7))
    fill_holes = fields.Boolean(load_default=True)
    clear_border = fields.Boolean(load_default=False)


class MeasureParameters(Schema):
    """The edge of a pixel in micrometres; what the image says of it is used where this is left out."""

    pixel_size_um = fields.Float(
        load_default=None, allow_none=True, validate=validate.Range(0, 10**4, min_inclusive=False)
    )
